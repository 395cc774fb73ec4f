#!/usr/bin/env bash
# Prepare a project of Google Cloud for {{ target }} once, as its owner; it may be run again.
# API_KEY and API_KEYS are what `poe key` prints.
set -euo pipefail
: "${GCP_PROJECT:?}" "${GCP_REGION:?}" "${API_KEY:?}" "${API_KEYS:?}"
{%- if ci == 'github' %}
repository=${1:?usage: setup.sh REPOSITORY (as GitHub\'s tokens name it)}
{%- endif %}
export CLOUDSDK_CORE_PROJECT=$GCP_PROJECT CLOUDSDK_CORE_DISABLE_PROMPTS=1

once() { # what is there already stays as it is
  local said
  said=$("$@" 2>&1) || [[ $said == *"already exists"* || $said == *ALREADY_EXISTS* ]] || {
    echo "$said" >&2
    return 1
  }
}
secret() {
  once gcloud secrets create "$1" --replication-policy=automatic
  printf %s "$2" | gcloud secrets versions add "$1" --data-file=-
}
may() { # may MEMBER ROLE
  gcloud projects add-iam-policy-binding "$GCP_PROJECT" --member="$1" --role="$2" --condition=None >/dev/null
}

gcloud services enable {% block services %}{% endblock %} artifactregistry.googleapis.com \
  iamcredentials.googleapis.com secretmanager.googleapis.com sts.googleapis.com
once gcloud artifacts repositories create {{ project_slug }} --repository-format=docker --location="$GCP_REGION"
secret {{ project_slug }}-api-keys "$API_KEYS"
secret {{ project_slug }}-api-key "$API_KEY"
{%- block app %}{% endblock %}
{%- if ci == 'github' %}

# What the workflow becomes: only this repository's, and only in its environment {{ target }}.
once gcloud iam service-accounts create {{ account }}
deployer=serviceAccount:{{ account }}@$GCP_PROJECT.iam.gserviceaccount.com
once gcloud iam workload-identity-pools create {{ pool }} --location=global
once gcloud iam workload-identity-pools providers create-oidc github --location=global \
  --workload-identity-pool={{ pool }} --issuer-uri=https://token.actions.githubusercontent.com \
  --attribute-mapping=google.subject=assertion.repository_id \
  --attribute-condition="assertion.sub == 'repo:$repository:environment:{{ target }}'"
provider=$(gcloud iam workload-identity-pools providers describe github --location=global \
  --workload-identity-pool={{ pool }} --format='value(name)')
gcloud iam service-accounts add-iam-policy-binding "${deployer#*:}" --role=roles/iam.workloadIdentityUser \
  --member="principalSet://iam.googleapis.com/${provider%/providers/*}/*" >/dev/null
gcloud artifacts repositories add-iam-policy-binding {{ project_slug }} --location="$GCP_REGION" \
  --member="$deployer" --role=roles/artifactregistry.writer >/dev/null
{%- block permissions %}{% endblock %}
echo "GCP_PROVIDER=$provider"
{%- endif %}
