"""Secrets in a notebook: refused, never printed, and told from what only looks like one."""

import json
from pathlib import Path

import pytest
from conftest import Cli, MakeNotebook, notebook_of

from mlship import credentials, notebook
from mlship.errors import IntakeError

MIXED = "q7Rz2LmW9xKd4TnB6vHs8YpC3fJg5QeA1uZt"
"""What a key looks like; the tokens below are put together so that no file holds one whole."""
SECRETS = {
    "an AWS access key id": "key = '" + "AKIA" + "Q7RZ2LMW" + "7XKD4TNB'",
    "a GitHub token": "!git clone https://" + "ghp_" + MIXED + "@github.com/a/b",
    "a GitLab token": "gl" + "pat-" + MIXED[:20],
    "a Hugging Face token": "login('" + "hf_" + "QwErTzUiOpAsDfGhJkLyXcVbNmQwErTzUi" + "')",
    "an API key": "client = OpenAI('" + "sk-" + "proj-" + MIXED + "')",
    "a payment key": "rk_" + "live_" + MIXED,
    "a Slack token": "xox" + "b-123456789012-" + MIXED,
    "a Slack webhook": "https://hooks.slack.com/services/" + "T0A1B2C3D/B0A1B2C3D/" + MIXED[:24],
    "a Google key": "AI" + "za" + MIXED[:35],
    "a Databricks token": "da" + "pi" + "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "a bot token": "123456789:" + "AA" + MIXED[:33],
    "a storage account key": "'...;AccountKey=" + MIXED * 2 + "==;'",
    "a JSON web token": "eyJ" + MIXED + ".eyJ" + MIXED + "." + MIXED,
    "a private key": "pem = '''-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n'''",
    "a password in an address": "engine = create_engine('postgresql://ann:"
    + "tr0ub4dor&3@db:5432/x')",
}
GIVEN = [
    ("password = 'tr0ub4dor&3'", "a password"),
    ("PASSWORD: str = \"tr0ub4dor&3\"", "a password"),
    ("db_pwd='tr0ub4dor&3'", "a password"),
    ("connect(host='db', user='ann', passwd='tr0ub4dor&3')", "a password"),
    ("settings = {'user': 'ann', \"password\": \"tr0ub4dor&3\"}", "a password"),
    ("%env DB_PASSWORD=tr0ub4dor&3", "a password"),
    (f"api_key = '{MIXED}'", "a key or token"),
    (f"aws_secret_access_key='{MIXED}+/ab'", "a key or token"),
    (f"os.environ['WEATHER_API_KEY'] = '{MIXED}'", "a key or token"),
    (f"%env WANDB_API_KEY={MIXED}", "a key or token"),
    (f"!export HF_TOKEN={MIXED}", "a key or token"),
    ('{"username": "ann", "key": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}', "a key"),
]  # fmt: skip
HARMLESS = [
    "password = os.environ['DB_PASSWORD']",
    "api_key = getpass('api key? ')",
    "api_key = 'YOUR_API_KEY_HERE_123456'",
    "api_key = 'xxxxxxxxxxxxxxxxxxxx1234'",
    "password = '<your password 1>'",
    "password = '********'",
    "password = 'password'",
    "password = f'{user}{number}'",
    "postgresql://user:password@host/db",
    "mysql://root:{password}@localhost/db",
    "https://user:<token>@example.org",
    "AWS_ACCESS_KEY_ID = 'AKIA" + "IOSFODNN7EXAMPLE'",
    "tokenizer = 'bert-base-uncased-2018'",
    "pad_token = '[PAD]'",
    "token = 'the-quick-brown-fox-jumps'",
    "df['api_key'] = df['api_key'].fillna('missing')",
    "target = 'passenger_count_2019'",
    "key='petal width (cm) 1234'",
    "sha256 = '0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9'",
    "https://example.org/a@b:c",
    "model = 'sk-learn-contrib-hdbscan-model'",
    "secret_token_count = 'twelve of 12345678'",
    "print('password: ' + name)",
    f"api_key = '{MIXED}'  # mlship: not a secret",
    f"<!-- mlship: not a secret --> api_key = '{MIXED}'",
]


@pytest.mark.parametrize(("kind", "text"), SECRETS.items(), ids=SECRETS.keys())
def test_known_format_is_a_secret(kind: str, text: str) -> None:
    assert list(credentials.found("x = 1\n" + text))[:1] == [(2, kind)]


@pytest.mark.parametrize(("text", "kind"), GIVEN)
def test_literal_of_a_telling_name_is_a_secret(text: str, kind: str) -> None:
    assert list(credentials.found(text)) == [(1, kind)]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_line_is_no_secret(text: str) -> None:
    assert list(credentials.found(text)) == []


def test_long_lines_do_not_take_long() -> None:
    for line in ("a" * 1_000_000, "A+/b" * 200_000, "sk-" * 30_000, "key='" * 30_000):
        assert list(credentials.found(line)) == []


@pytest.mark.parametrize("command", ["new", "inspect"])
def test_notebook_with_a_secret_is_5_and_does_not_print_it(
    cli: Cli, make_notebook: MakeNotebook, tmp_path: Path, command: str
) -> None:
    path = make_notebook("x = 1", f"y = 2\napi_key = '{MIXED}'", "z = 3\npassword = 'tr0ub4dor&3'")
    more = ["new", tmp_path / "x", "-n", path, "--defaults"]
    result = cli(*(more if command == "new" else ["inspect", path]))
    assert result.returncode == 5
    assert "a key or token (cell 2, line 2); a password (cell 3, line 2)" in result.stderr
    assert "# mlship: not a secret" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert MIXED[:8] not in result.stdout + result.stderr
    assert "tr0ub" not in result.stdout + result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("where", "place"),
    [("markdown", "the text after cell 1"), ("raw", "the text after cell 1"), ("metadata", "the metadata"),
     ("dropped", "cell 2")],
)  # fmt: skip
def test_secret_is_found_wherever_the_project_would_keep_it(
    tmp_path: Path, where: str, place: str
) -> None:
    content = notebook_of(
        ["x = 1", "%%bash\ntrue" if where != "dropped" else SECRETS["a GitHub token"]]
    )
    if where == "metadata":
        content["metadata"] = {"papermill": {"parameters": {"password": "tr0ub4dor&3"}}}
    elif where != "dropped":
        cell = {"cell_type": where, "id": "t", "metadata": {}, "source": f"API_KEY='{MIXED}'"}
        content["cells"].insert(1, cell)  # type: ignore[attr-defined]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(content))
    with pytest.raises(IntakeError) as refused:
        notebook.read(path)
    assert place in str(refused.value)


def test_secret_in_an_output_does_not_matter(tmp_path: Path) -> None:
    content = notebook_of(["x = 1"])
    content["cells"][0]["outputs"] = [  # type: ignore[index]
        {"output_type": "stream", "name": "stdout", "text": SECRETS["a GitHub token"]}
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    assert "ghp_" not in json.dumps(notebook.read(tmp_path / "a.ipynb").stripped)


@pytest.mark.parametrize(
    ("source", "noted"),
    [
        ("pd.read_csv('/home/ann/data.csv')", True),
        ("pd.read_csv('/Users/ann/data.csv')", True),
        ("pd.read_csv('C:\\\\Users\\\\ann\\\\data.csv')", True),
        ("pd.read_csv(r'c:\\Users\\ann\\data.csv')", True),
        ("pd.read_csv('data/home/ann.csv')", False),
        ("requests.get('https://example.org/home/ann')", False),
    ],
)
def test_path_below_a_home_is_noted(make_notebook: MakeNotebook, source: str, noted: bool) -> None:
    notes = notebook.read(make_notebook("x = 1", source)).notes
    assert [note.partition(":")[0] for note in notes] == (["cell 2"] if noted else [])
