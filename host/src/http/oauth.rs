//! Tokens that the host fetches and holds (OAuth 2.0: client credentials and refresh tokens).
//!
//! A token is fetched when a request first needs it, used until shortly before it expires, and fetched anew once when
//! a server refuses it. Requests that need it at the same time wait for one fetch. What a token endpoint says is
//! never shown, except for the error codes of RFC 6749.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::admit::RequestParts;
use super::client::Client;
use super::error::{HttpError, at};
use super::exchange::Response;
use super::upload::RequestBody;
use crate::policy::base64;
use crate::policy::held::{ClientAuthentication, Flow, OauthRule};
use crate::policy::limits::{Limits, TOKEN_BYTES, TOKEN_REQUESTS};
use crate::policy::secrets::{Learned, Secret, percent_encode};

/// A token is renewed this long before it expires, or a tenth of its life when that is shorter.
const EARLY: Duration = Duration::from_secs(60);
/// A longer life is not believed; also keeps the clock's arithmetic in range.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Error codes of a token endpoint (RFC 6749, section 5.2), which may be shown.
const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// Keeps a refresh token that the server put in the place of the former one.
pub trait Keep: Send + Sync {
    /// Keeps it, durably.
    ///
    /// # Errors
    /// Why not, without the value.
    fn keep(&self, name: &str, value: &Secret) -> Result<(), String>;
}

/// What a token is fetched with.
pub struct Credentials {
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
}

/// One token and how to get it.
pub struct Oauth {
    name: String,
    rule: OauthRule,
    credentials: Credentials,
    keep: Option<Arc<dyn Keep>>,
    learned: Learned,
    client: Client,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    token: Option<(Secret, Option<Instant>)>,
    refresh: Option<Secret>,
}

impl fmt::Debug for Oauth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oauth({})", self.name)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Oauth {
    /// A token named `name`. `client` may reach the token's URL and nothing else; what is fetched is made known to
    /// `learned`.
    #[must_use]
    pub fn new(
        name: String,
        rule: OauthRule,
        credentials: Credentials,
        client: Client,
        keep: Option<Arc<dyn Keep>>,
        learned: Learned,
    ) -> Self {
        let current = Current { token: None, refresh: credentials.refresh_token.clone() };
        Self { name, rule, credentials, keep, learned, client, current: Mutex::new(current) }
    }

    /// The limits of a token endpoint's client.
    #[must_use]
    pub fn limits(limits: &Limits) -> Limits {
        Limits { requests: TOKEN_REQUESTS, response_bytes: TOKEN_BYTES, ..limits.clone() }
    }

    /// A token that has not expired.
    pub(super) async fn token(&self) -> Result<Secret, HttpError> {
        let mut current = self.current.lock().await;
        if let Some((token, until)) = &current.token
            && until.is_none_or(|until| until > Instant::now())
        {
            return Ok(token.clone());
        }
        current.token = None;
        let granted = self.fetch(current.refresh.as_ref()).await?;
        if let Some(renewed) = granted.refresh_token.filter(|_| self.rule.flow == Flow::RefreshToken) {
            let renewed = Secret::new(renewed);
            self.learned.learn(&renewed);
            // The former one may be worth nothing from now on: this one must not be lost.
            if current.refresh.as_ref() != Some(&renewed) {
                self.keep(&renewed).await?;
                current.refresh = Some(renewed);
            }
        }
        let token = Secret::new(granted.access_token);
        self.learned.learn(&token);
        let life = granted
            .expires_in
            .map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).map_or(LONGEST, |life| life.min(LONGEST)));
        current.token = Some((token.clone(), life.map(|life| Instant::now() + life - EARLY.min(life / 10))));
        Ok(token)
    }

    /// A server refused this token.
    pub(super) async fn reject(&self, token: &Secret) {
        let mut current = self.current.lock().await;
        // another request may have fetched a new one meanwhile
        if current.token.as_ref().is_some_and(|(held, _)| held == token) {
            current.token = None;
        }
    }

    async fn keep(&self, renewed: &Secret) -> Result<(), HttpError> {
        let (Some(keep), Some(name)) = (self.keep.clone(), self.rule.refresh_token.clone()) else { return Ok(()) };
        let renewed = renewed.clone();
        let kept = tokio::task::spawn_blocking(move || keep.keep(&name, &renewed)).await;
        let kept = kept.unwrap_or_else(|_| Err("the host was interrupted".to_owned()));
        kept.map_err(|reason| self.failed(&format!("its new refresh token could not be kept: {reason}")))
    }

    async fn fetch(&self, refresh: Option<&Secret>) -> Result<Granted, HttpError> {
        let (parts, body) = self.request(refresh);
        let answer = async {
            let admitted = self.client.admit(&parts)?;
            let to = at(admitted.destination());
            let response = self.client.deliver(admitted, RequestBody::Bytes(body.into())).await?;
            let status = response.status;
            Ok((to, status, read(response).await?))
        };
        let (to, status, body) = answer.await.map_err(|error| self.failed_with(error))?;
        if status != 200 {
            let refused = serde_json::from_slice::<Refused>(&body).map(|refused| refused.error).unwrap_or_default();
            let code =
                ERRORS.iter().find(|code| **code == refused).map(|code| format!(" ({code})")).unwrap_or_default();
            return Err(self.failed(&format!("{to} answered {status}{code}")));
        }
        let granted: Granted = serde_json::from_slice(&body)
            .map_err(|_| self.failed(&format!("{to} answered without an access token")))?;
        let bearer = granted.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if granted.access_token.is_empty() || !bearer {
            return Err(self.failed(&format!("{to} answered without a bearer token")));
        }
        Ok(granted)
    }

    fn request(&self, refresh: Option<&Secret>) -> (RequestParts, Vec<u8>) {
        let rule = &self.rule;
        let mut fields = vec![match rule.flow {
            Flow::ClientCredentials => ("grant_type", "client_credentials"),
            Flow::RefreshToken => ("grant_type", "refresh_token"),
        }];
        if let (Flow::RefreshToken, Some(refresh)) = (rule.flow, refresh) {
            fields.push(("refresh_token", refresh.expose()));
        }
        fields.extend(rule.scope.as_deref().map(|scope| ("scope", scope)));
        let mut headers = vec![
            ("Content-Type".to_owned(), b"application/x-www-form-urlencoded".to_vec()),
            ("Accept".to_owned(), b"application/json".to_vec()),
        ];
        let encoded = |text: &str| percent_encode(text, false, true);
        let id = self.credentials.client_id.as_str();
        match (&self.credentials.client_secret, rule.client_authentication) {
            (Some(secret), ClientAuthentication::Basic) => {
                let pair = format!("{}:{}", encoded(id), encoded(secret.expose()));
                let value = format!("Basic {}", base64::encode(pair.as_bytes()));
                headers.push(("Authorization".to_owned(), value.into_bytes()));
            }
            (Some(secret), ClientAuthentication::Body) => {
                fields.extend([("client_id", id), ("client_secret", secret.expose())]);
            }
            (None, _) => fields.push(("client_id", id)),
        }
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let body = body.join("&").into_bytes();
        let parts = RequestParts {
            method: "POST".to_owned(),
            url: rule.token_url.clone(),
            headers,
            body_len: Some(body.len() as u64),
            ..RequestParts::default()
        };
        (parts, body)
    }

    fn failed(&self, reason: &str) -> HttpError {
        HttpError::Connect(format!("the host could not get the token `{}`: {reason}", self.name.escape_debug()))
    }

    /// A refusal stays one, so that an operator is told what to grant.
    fn failed_with(&self, error: HttpError) -> HttpError {
        match error {
            HttpError::Denied(denied) => HttpError::Denied(denied),
            error => self.failed(&error.to_string()),
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
