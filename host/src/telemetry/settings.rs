//! The standard `OTEL_*` variables.

use std::time::Duration;

/// Why the variables cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}; telemetry is off")]
pub struct SettingsError {
    name: &'static str,
    reason: &'static str,
}

/// Where telemetry goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where spans are posted.
    pub traces: Option<String>,
    /// Where numbers are posted.
    pub metrics: Option<String>,
    /// Header fields of every request; they may hold secrets.
    pub headers: Vec<(String, String)>,
    /// For one request.
    pub timeout: Duration,
    /// Between two requests with spans.
    pub spans_every: Duration,
    /// Between two requests with numbers.
    pub metrics_every: Duration,
    /// Attributes of the resource, the service's name among them.
    pub resource: Vec<(String, String)>,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

impl Settings {
    /// Reads the variables; `None` when they switch nothing on.
    ///
    /// # Errors
    /// When a variable asks for something that there is not.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingsError> {
        let get = |name: &str| get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if get("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let base = get(ENDPOINT);
        let signal = |exporter: &str, own: &str, path: &str| {
            let off = get(exporter).is_some_and(|text| text != "otlp");
            let of_base = || base.as_deref().map(|base| format!("{}{path}", base.trim_end_matches('/')));
            get(own).or_else(of_base).filter(|_| !off)
        };
        let traces = signal("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces");
        let metrics = signal("OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "/v1/metrics");
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        if get("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|text| text != "http/protobuf") {
            let reason = "sluice speaks http/protobuf only";
            return Err(SettingsError { name: "OTEL_EXPORTER_OTLP_PROTOCOL", reason });
        }
        for endpoint in [&traces, &metrics].into_iter().flatten() {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return Err(SettingsError { name: ENDPOINT, reason: "it must begin with http:// or https://" });
            }
        }
        let millis = |name: &str, usual: u64| {
            Duration::from_millis(get(name).and_then(|text| text.parse().ok()).filter(|ms| *ms > 0).unwrap_or(usual))
        };
        let mut resource = pairs(&get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        let named = resource.iter().any(|(name, _)| name == "service.name");
        if let Some(name) = get("OTEL_SERVICE_NAME").or_else(|| (!named).then(|| "sluice".to_owned())) {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name));
        }
        resource.push(("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        Ok(Some(Self {
            traces,
            metrics,
            headers: pairs(&get("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default()),
            timeout: millis("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000),
            spans_every: millis("OTEL_BSP_SCHEDULE_DELAY", 5_000),
            metrics_every: millis("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
            resource,
        }))
    }
}

/// `a=1,b=2`, values percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).filter(|(name, _)| !name.is_empty()).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingsError> {
        Settings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_on_unless_an_endpoint_says_so() {
        assert_eq!(read(&[("OTEL_SERVICE_NAME", "x")]), Ok(None));
        let endpoint = (ENDPOINT, "http://127.0.0.1:4318/");
        assert_eq!(read(&[endpoint, ("OTEL_SDK_DISABLED", "true")]), Ok(None));
        let both = read(&[endpoint]).unwrap().unwrap();
        assert_eq!(both.traces.as_deref(), Some("http://127.0.0.1:4318/v1/traces"));
        assert_eq!(both.metrics.as_deref(), Some("http://127.0.0.1:4318/v1/metrics"));
        assert_eq!(both.resource.first().unwrap(), &("service.name".to_owned(), "sluice".to_owned()));
        let one = read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().unwrap();
        assert_eq!((one.traces, one.metrics.is_some()), (None, true));
        let own = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.example/t")]).unwrap().unwrap();
        assert_eq!((own.traces.as_deref(), own.metrics), (Some("https://c.example/t"), None));
    }

    #[test]
    fn what_is_not_spoken_is_refused() {
        assert!(read(&[(ENDPOINT, "http://a"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).is_err());
        assert!(read(&[(ENDPOINT, "collector:4317")]).is_err());
    }

    #[test]
    fn headers_and_attributes_are_pairs() {
        assert_eq!(pairs("a=b%20c, d = e%,=x,f"), [("a".into(), "b c".into()), ("d".into(), "e%".into())]);
        let resource = [(ENDPOINT, "http://a"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=old,team=data")];
        let named = [resource[0], resource[1], ("OTEL_SERVICE_NAME", "mine")];
        assert!(read(&named).unwrap().unwrap().resource.contains(&("service.name".to_owned(), "mine".to_owned())));
        assert!(read(&resource).unwrap().unwrap().resource.contains(&("service.name".to_owned(), "old".to_owned())));
    }
}
