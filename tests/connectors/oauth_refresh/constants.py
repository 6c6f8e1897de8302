BASE_URL = "https://contacts.example.com/api"
TOKEN_URL = "https://login.example.com/oauth/token"
EXPIRY_MARGIN = 30
