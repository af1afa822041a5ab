//! An HTTP server that answers as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver as Channel, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// What is done with a request.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, all at once.
    Bytes(Vec<u8>),
    /// These bytes, and the connection ends.
    Last(Vec<u8>),
    /// These bytes, and then the same part again and again, after a pause each.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Nothing; the connection stays.
    Silence,
    /// Not even read.
    Deaf,
}

pub fn answer(status: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    Answer::Bytes([head.as_bytes(), body].concat())
}

/// All is well.
pub fn accepted() -> Answer {
    answer("200 OK", "content-type: application/x-protobuf\r\n", b"")
}

pub struct Request {
    /// The connection's number, from 0 on.
    pub connection: usize,
    pub line: String,
    /// In lower case.
    pub headers: Vec<String>,
    pub spans: ExportTraceServiceRequest,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.headers.iter().find_map(|h| h.strip_prefix(&start))
    }
}

pub struct Receiver {
    pub address: SocketAddr,
    pub requests: Channel<Request>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Answers as many requests, and ends.
    pub fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its port");
        let (sender, requests) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = std::thread::spawn(move || serve(&listener, answers, &sender, &over));
        Self {
            address,
            requests,
            is_over,
            thread: Some(thread),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    pub fn request(&self) -> Request {
        let request = self.requests.recv_timeout(Duration::from_secs(60));
        request.expect("a request came")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may wait for a connection.
        self.is_over.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        let failed = self.thread.take().is_some_and(|t| t.join().is_err());
        assert!(!failed || std::thread::panicking(), "the receiver failed");
    }
}

fn serve(
    listener: &TcpListener,
    answers: Vec<Answer>,
    sender: &Sender<Request>,
    over: &AtomicBool,
) {
    let mut connection: Option<(usize, BufReader<TcpStream>)> = None;
    let mut count = 0;
    for answer in answers {
        let request = loop {
            if over.load(SeqCst) && connection.is_none() {
                return;
            }
            let (number, stream) = connection.get_or_insert_with(|| {
                let (stream, _) = listener.accept().expect("a connection");
                let most = Some(Duration::from_secs(60));
                stream.set_read_timeout(most).expect("a socket");
                count += 1;
                (count - 1, BufReader::new(stream))
            });
            if let Answer::Deaf = answer {
                break None;
            }
            match read(*number, stream) {
                Some(request) => break Some(request),
                // They went away, and come again.
                None => connection = None,
            }
        };
        if let Some(request) = request {
            let _ = sender.send(request);
        }
        let (_, stream) = connection.as_mut().expect("it is there");
        let out = stream.get_mut();
        match answer {
            Answer::Bytes(bytes) => out.write_all(&bytes).expect("they read it"),
            Answer::Last(bytes) => {
                out.write_all(&bytes).expect("they read it");
                connection = None;
            }
            Answer::Endless(bytes, part, pause) => {
                out.set_nodelay(true).expect("a socket");
                out.write_all(&bytes).expect("they read it");
                while out.write_all(&part).is_ok() {
                    std::thread::sleep(pause);
                }
                connection = None;
            }
            // Until they go away.
            Answer::Silence => {
                let _ = stream.read(&mut [0]);
                connection = None;
            }
            Answer::Deaf => {
                while !over.load(SeqCst) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                connection = None;
            }
        }
    }
}

/// None where the connection ends.
fn read(connection: usize, stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        line.ends_with("\r\n").then(|| line.trim_end().to_string())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        match line()? {
            header if header.is_empty() => break,
            header => {
                let (name, value) = header.split_once(':').expect("a header");
                headers.push(format!("{}: {}", name.to_lowercase(), value.trim()));
            }
        }
    }
    let length = headers
        .iter()
        .find_map(|h| h.strip_prefix("content-length: "));
    let length: usize = length.expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request {
        connection,
        line: first,
        headers,
        spans: ExportTraceServiceRequest::decode(&body[..]).expect("protobuf"),
    })
}
