"""The service's REST interface."""

from constants import BASE_URL, EXPIRY_MARGIN, TOKEN_URL


class ContactsClient:
    """Logs in when it must."""

    def __init__(self, session, configuration, clock):
        self.session, self.configuration, self.clock = session, configuration, clock
        self.expires, self.logins = 0, 0

    def _login(self):
        answer = self.session.post(
            TOKEN_URL,
            data={"grant_type": "refresh_token", "refresh_token": self.configuration["refresh_token"]},
            auth=(self.configuration["client_id"], self.configuration["client_secret"]),
            timeout=10,
        )
        answer.raise_for_status()
        token = answer.json()
        self.expires = self.clock() + token["expires_in"] - EXPIRY_MARGIN
        self.session.headers["Authorization"] = f"{token['token_type']} {token['access_token']}"
        self.logins += 1

    def get(self, path, **params):
        if self.clock() >= self.expires:
            self._login()
        answer = self.session.get(f"{BASE_URL}/{path}", params=params, timeout=10)
        if answer.status_code == 401:
            self._login()
            answer = self.session.get(f"{BASE_URL}/{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()["contacts"]
