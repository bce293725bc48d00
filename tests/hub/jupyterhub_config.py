"""Settings of the JupyterHub under test: the users alice and bob, each with a server and, where the machine allows it,
a Unix account of their own. What differs from run to run comes as JSON in ``OPENSPACE_HUB_SETTINGS``."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

SETTINGS = json.loads(os.environ["OPENSPACE_HUB_SETTINGS"])
FOLDER = Path(SETTINGS["folder"])


class OwnAccountSpawner(SimpleLocalProcessSpawner):
    """Single-user servers under the accounts of ``SETTINGS["accounts"]``, which need no entry in /etc/passwd."""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        account = SETTINGS["accounts"].get(name)
        if account is None:
            return super().make_preexec_fn(name)
        home = Path(self.home_dir)
        home.mkdir(mode=0o700, exist_ok=True)
        for path in (home, *home.rglob("*")):
            os.chown(path, account, account)

        def become_user() -> None:
            os.setgroups([])
            os.setgid(account)
            os.setuid(account)
            os.umask(0o077)
            os.chdir(home)

        return become_user


c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{SETTINGS['ports'][0]}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{SETTINGS['ports'][1]}"
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{SETTINGS['ports'][2]}"
c.ConfigurableHTTPProxy.command = SETTINGS["proxy"]
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = SETTINGS["password"]
c.Authenticator.allowed_users = set(SETTINGS["users"])

c.JupyterHub.spawner_class = OwnAccountSpawner
c.OwnAccountSpawner.home_dir_template = f"{FOLDER}/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True"]
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL"]
c.Spawner.environment = {SETTINGS["mark"]: str(FOLDER)}
c.Spawner.start_timeout = 60
c.Spawner.http_timeout = 60

# The tests start servers and make tokens through a service of the Hub.
c.JupyterHub.services = [{"name": "tests", "api_token": SETTINGS["token"]}]
c.JupyterHub.load_roles = [{"name": "tests", "services": ["tests"], "scopes": ["servers", "tokens", "read:users"]}]
