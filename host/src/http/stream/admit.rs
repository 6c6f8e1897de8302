//! Reads where a stream is to go and asks the policy, before anything leaves the host.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::http::client::Client;
use crate::http::error::{HttpError, at};
use crate::http::oversight::{CONNECT, Note};
use crate::policy::egress::{Denied, Destination, Host, Permit, Scheme};

/// 198.18.0.0/15, which nothing public has. Its addresses stand for names that a connector looked up.
const PLACEHOLDERS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);

/// As many as the range has.
const MOST_PLACEHOLDERS: usize = 1 << 17;

/// A connection as a connector asks for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dial {
    /// A name, an address, or what [`Client::lookup`] gave for a name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether TLS begins at once.
    pub tls: bool,
    /// How long to wait at most; the limit applies when it is shorter.
    pub timeout: Option<Duration>,
}

/// A connection that the policy permits. Only [`Client::admit_stream`] makes one, and only
/// [`Client::connect`] takes it.
#[derive(Debug)]
pub struct AdmittedStream {
    pub(super) permit: Permit,
    pub(super) tls: bool,
    pub(super) timeout: Duration,
    /// How long its host's rate lets it wait.
    pub(super) wait: Duration,
    pub(super) note: Note,
}

/// The names that were looked up, in order; the address of each is its number.
#[derive(Debug, Default)]
pub(in crate::http) struct Placeholders(Vec<String>);

impl Placeholders {
    fn address(&mut self, name: &str, most: usize) -> Result<IpAddr, HttpError> {
        let known = self.0.iter().position(|known| known == name);
        let number = match known {
            Some(number) => number,
            None if self.0.len() >= most.min(MOST_PLACEHOLDERS - 1) => {
                return Err(HttpError::limit(format!("the sync's limit of {most} different hosts is reached")));
            }
            None => {
                self.0.push(name.to_owned());
                self.0.len() - 1
            }
        };
        // the first address of the range is no host's
        let offset = u32::try_from(number + 1).unwrap_or(u32::MAX);
        Ok(IpAddr::V4(Ipv4Addr::from_bits(PLACEHOLDERS.to_bits().saturating_add(offset))))
    }

    /// The name that an address stands for.
    fn name(&self, address: &str) -> Option<&str> {
        let address: Ipv4Addr = address.parse().ok()?;
        let number = address.to_bits().checked_sub(PLACEHOLDERS.to_bits())?.checked_sub(1)?;
        self.0.get(usize::try_from(number).ok()?).map(String::as_str)
    }
}

impl Client {
    /// The address that stands for a host in [`admit_stream`](Self::admit_stream): the same one throughout a
    /// sync. No name query is made.
    ///
    /// # Errors
    ///
    /// [`HttpError::Denied`] or [`HttpError::NameResolution`] when nothing of that name is granted,
    /// [`HttpError::InvalidRequest`], or [`HttpError::Limit`].
    pub fn lookup(&self, host: &str, port: u16) -> Result<IpAddr, HttpError> {
        let to = destination(Scheme::Tcp, host, port.max(1))?;
        let name = match to.host() {
            Host::Ip(address) => return Ok(*address),
            Host::Name(name) => name,
        };
        if !self.grants().knows(to.host()) {
            if port != 0 {
                return Err(self.denied(self.grants().permit_stream(&to).err(), &to));
            }
            return Err(HttpError::NameResolution(format!("{name}: no connection to this name is granted")));
        }
        self.addresses().address(name, self.limits().hosts)
    }

    /// Reads where a connection goes, asks the policy, and takes it from the sync's budget. Does not wait, and
    /// nothing leaves the host.
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidRequest`], [`HttpError::Denied`], or [`HttpError::Limit`].
    pub fn admit_stream(&self, dial: &Dial) -> Result<AdmittedStream, HttpError> {
        self.ledger().check()?;
        let mut to = None;
        self.judge_stream(dial, &mut to).inspect_err(|error| {
            self.ledger().refused(self.limits());
            self.oversight().refused(CONNECT, to.as_ref(), error);
        })
    }

    fn judge_stream(&self, dial: &Dial, judged: &mut Option<Destination>) -> Result<AdmittedStream, HttpError> {
        let name = self.addresses().name(&dial.host).map(ToOwned::to_owned);
        let scheme = if dial.tls { Scheme::Tls } else { Scheme::Tcp };
        let to = destination(scheme, name.as_deref().unwrap_or(&dial.host), dial.port)?;
        let to = &*judged.insert(to);
        let judged = match dial.tls {
            true => self.grants().permit(to),
            false => self.grants().permit_stream(to),
        };
        let permit = judged.map_err(|denied| self.denied(Some(denied), to))?;
        self.ledger().take_connection(to.host(), self.limits())?;
        let taken = self.oversight().upstreams.request(to.host(), self.limits());
        let wait = taken.map_err(|spent| self.ledger().end(format!("{}: {spent}", at(to))))?;
        let note = Note::new(self.oversight(), self.span(), CONNECT, "", &permit);
        // zero would mean "never succeed"; a millisecond is as good and has no special cases
        let wish = dial.timeout.unwrap_or(self.limits().connect).max(Duration::from_millis(1));
        Ok(AdmittedStream { permit, tls: dial.tls, timeout: wish.min(self.limits().connect), wait, note })
    }

    fn denied(&self, denied: Option<Box<Denied>>, to: &Destination) -> HttpError {
        self.ledger().host(to.host()).denied += 1;
        match denied {
            Some(denied) => HttpError::Denied(denied),
            None => HttpError::NameResolution(format!("{}: the name is not known", to.host())),
        }
    }
}

fn destination(scheme: Scheme, host: &str, port: u16) -> Result<Destination, HttpError> {
    Destination::stream(scheme, host, port)
        .map_err(|error| HttpError::InvalidRequest(format!("cannot connect there: {error}")))
}
