//! Small HTTP servers made of raw sockets, so that they can misbehave in every way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

/// A server on loopback; its threads end with the test process.
pub(crate) struct Server {
    address: SocketAddr,
    arrivals: Arc<Mutex<Vec<SocketAddr>>>,
    requests: Arc<AtomicUsize>,
}

/// Lets a test see when a request is waiting for its answer, and give the answer.
pub(crate) struct Gate {
    arrived: mpsc::Receiver<()>,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// Waits until a request has arrived.
    pub(crate) fn wait_for_request(&self) {
        self.arrived.recv_timeout(Duration::from_secs(120)).expect("a request arrives");
    }

    /// Answers all requests from now on.
    pub(crate) fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

/// A request as it arrived.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Server {
    /// Answers every request with what `handler` writes to the connection; the connection is
    /// kept when the handler answers true.
    pub(crate) fn start(
        handler: impl Fn(&Request, &mut TcpStream) -> std::io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(AtomicUsize::new(0));
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let peers = Arc::clone(&arrivals);
        let (handler, counter) = (Arc::new(handler), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                peers.lock().expect("no thread panics here").extend(stream.peer_addr());
                let (handler, counter) = (Arc::clone(&handler), Arc::clone(&counter));
                // A client that goes away is part of the tests.
                std::thread::spawn(move || drop(serve(stream, &*handler, &counter)));
            }
        });
        Self { address, arrivals, requests }
    }

    /// Answers no request before the gate is opened.
    pub(crate) fn gated() -> (Self, Gate) {
        let (sender, arrived) = mpsc::channel();
        let open = Arc::new((Mutex::new(false), Condvar::new()));
        let gate = Gate { arrived, open: Arc::clone(&open) };
        let server = Self::start(move |_, stream| {
            // The test may have ended.
            let _ = sender.send(());
            drop(open.1.wait_while(open.0.lock().unwrap(), |open| !*open));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
            Ok(true)
        });
        (server, gate)
    }

    /// Answers every request with this status line, these headers and this body.
    pub(crate) fn fixed(status: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self::start(move |_, stream| {
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
            Ok(true)
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What to grant.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many connections arrived before this call, with or without a request. Connects
    /// itself and waits to be accepted, so that none is still on its way.
    pub(crate) fn connections(&self) -> usize {
        let own = TcpStream::connect(self.address).expect("the server listens");
        let own = own.local_addr().expect("an address");
        loop {
            let arrivals = self.arrivals.lock().expect("no thread panics here");
            if let Some(index) = arrivals.iter().position(|peer| *peer == own) {
                return index;
            }
            drop(arrivals);
            std::thread::yield_now();
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    handler: &(dyn Fn(&Request, &mut TcpStream) -> std::io::Result<bool> + Send + Sync),
    counter: &AtomicUsize,
) -> std::io::Result<()> {
    // Head and body are written apart, and nobody is to wait for an acknowledgement in between.
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader)? {
        counter.fetch_add(1, Ordering::SeqCst);
        if !handler(&request, &mut stream)? {
            break;
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut parts = line.split_whitespace();
    let method = parts.next().unwrap_or_default().to_owned();
    let path = parts.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    if request.header("transfer-encoding") == Some("chunked") {
        request.body = read_chunks(reader)?;
    }
    Ok(Some(request))
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(body);
        }
    }
}
