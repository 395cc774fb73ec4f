"""The page behind its security headers: ``streamlit run serve.py``."""

import streamlit as st
from starlette.middleware import Middleware

from headers import SecurityHeaders

app = st.App("app.py", middleware=[Middleware(SecurityHeaders)])
