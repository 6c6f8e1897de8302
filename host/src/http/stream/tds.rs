//! TLS as SQL Server begins it: the handshake in packets of its own protocol, TDS, and then TLS by itself.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The kind of the packets, in their first byte: that of the request which asked for TLS.
const KIND: u8 = 0x12;

/// Kind, whether it is the last of its message, two bytes of length, and four that say nothing here.
const HEADER: usize = 8;

/// As long as a packet may be until both sides have agreed on another length.
const LONGEST: usize = 4096;

/// The server did not keep to packets where it had to.
#[derive(Debug, thiserror::Error)]
#[error("the server answers the TLS handshake with something else than packets of it")]
pub(in crate::http) struct NotInPackets;

impl From<NotInPackets> for io::Error {
    fn from(error: NotInPackets) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What TLS is spoken over: a connection, and while the handshake lasts maybe packets in it.
pub(super) struct Transport<IO = TcpStream> {
    connection: IO,
    packets: Option<Box<Packets>>,
}

impl<IO> Transport<IO> {
    pub(super) fn direct(connection: IO) -> Self {
        Self { connection, packets: None }
    }

    pub(super) fn in_packets(connection: IO) -> Self {
        Self { connection, packets: Some(Box::default()) }
    }

    pub(super) fn has_packets(&self) -> bool {
        self.packets.is_some()
    }

    /// Goes on without packets.
    ///
    /// # Errors
    ///
    /// [`NotInPackets`] when the server sent more than the handshake.
    pub(super) fn leave_packets(&mut self) -> io::Result<()> {
        match self.packets.take() {
            // what is left could only be read as something that it is not
            Some(packets) if packets.begun > 0 || packets.left > 0 => Err(NotInPackets.into()),
            _ => Ok(()),
        }
    }
}

/// One packet that is read, and one that is written. What is read is never kept here.
struct Packets {
    header: [u8; HEADER],
    /// How much of the header is here.
    begun: usize,
    /// How much of its packet is still to be read.
    left: usize,
    /// The packet that is being put together, or is on its way out.
    packet: Vec<u8>,
    /// How much of it went out, once it is complete.
    sent: Option<usize>,
    number: u8,
}

impl Default for Packets {
    fn default() -> Self {
        let mut packet = Vec::with_capacity(LONGEST);
        packet.resize(HEADER, 0);
        Self { header: [0; HEADER], begun: 0, left: 0, packet, sent: None, number: 0 }
    }
}

impl Packets {
    fn poll_read<IO: AsyncRead + Unpin>(
        &mut self,
        connection: &mut IO,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 && !ready!(self.poll_header(connection, cx))? {
            return Poll::Ready(Ok(()));
        }
        let room = self.left.min(into.remaining());
        let mut piece = ReadBuf::new(into.initialize_unfilled_to(room));
        ready!(Pin::new(connection).poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        into.advance(read);
        self.left -= read;
        Poll::Ready(Ok(()))
    }

    /// Reads the next header; false at the end of what the server sends.
    fn poll_header<IO: AsyncRead + Unpin>(
        &mut self,
        connection: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        while self.begun < HEADER {
            let mut piece = ReadBuf::new(self.header.get_mut(self.begun..).unwrap_or_default());
            ready!(Pin::new(&mut *connection).poll_read(cx, &mut piece))?;
            match piece.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                read => self.begun += read,
            }
        }
        let [kind, _, high, low, ..] = self.header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // an empty packet would be an end that is none
        if kind != KIND || length <= HEADER {
            return Poll::Ready(Err(NotInPackets.into()));
        }
        (self.begun, self.left) = (0, length - HEADER);
        Poll::Ready(Ok(true))
    }

    fn poll_write<IO: AsyncWrite + Unpin>(
        &mut self,
        connection: &mut IO,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.packet.len() == LONGEST && self.sent.is_none() {
            self.complete(false);
        }
        ready!(self.poll_send(connection, cx))?;
        let taken = bytes.get(..LONGEST.saturating_sub(self.packet.len())).unwrap_or(bytes);
        self.packet.extend_from_slice(taken);
        Poll::Ready(Ok(taken.len()))
    }

    /// A server reads a message of the handshake when all of it is there: what is written until here is one.
    fn poll_flush<IO: AsyncWrite + Unpin>(
        &mut self,
        connection: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.packet.len() > HEADER && self.sent.is_none() {
            self.complete(true);
        }
        ready!(self.poll_send(connection, cx))?;
        Pin::new(connection).poll_flush(cx)
    }

    fn complete(&mut self, last: bool) {
        let [high, low] = u16::try_from(self.packet.len()).unwrap_or(u16::MAX).to_be_bytes();
        self.number = self.number.wrapping_add(1);
        if let Some(header) = self.packet.first_chunk_mut() {
            *header = [KIND, u8::from(last), high, low, 0, 0, self.number, 0];
        }
        self.sent = Some(0);
    }

    /// Sends the packet if it is complete; then there is room for another one.
    fn poll_send<IO: AsyncWrite + Unpin>(&mut self, connection: &mut IO, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(sent) = &mut self.sent else { return Poll::Ready(Ok(())) };
        while let Some(rest) = self.packet.get(*sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *connection).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => *sent += more,
            }
        }
        self.packet.truncate(HEADER);
        self.sent = None;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { connection, packets } = self.get_mut();
        match packets {
            Some(packets) => packets.poll_read(connection, cx, into),
            None => Pin::new(connection).poll_read(cx, into),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Transport<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { connection, packets } = self.get_mut();
        match packets {
            Some(packets) => packets.poll_write(connection, cx, bytes),
            None => Pin::new(connection).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { connection, packets } = self.get_mut();
        match packets {
            Some(packets) => {
                let piece = pieces.iter().find(|piece| !piece.is_empty());
                packets.poll_write(connection, cx, piece.map_or(&[], |piece| piece))
            }
            None => Pin::new(connection).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.packets.is_none() && self.connection.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { connection, packets } = self.get_mut();
        match packets {
            Some(packets) => packets.poll_flush(connection, cx),
            None => Pin::new(connection).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// A transport, and its other side, with room for so many bytes in between.
    fn pair(room: usize) -> (Transport<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(room);
        (Transport::in_packets(near), far)
    }

    async fn packet(far: &mut DuplexStream) -> (bool, Vec<u8>) {
        let mut header = [0; HEADER];
        far.read_exact(&mut header).await.unwrap();
        assert_eq!((header[0], &header[4..6], header[7]), (KIND, &[0, 0][..], 0));
        let mut payload = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - HEADER];
        far.read_exact(&mut payload).await.unwrap();
        (header[1] == 1, payload)
    }

    #[test]
    fn what_is_written_until_a_flush_is_one_message_of_bounded_packets() {
        let data: Vec<u8> = (0..10_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        for room in [1, 7, 4096, 20_000] {
            let (mut near, mut far) = pair(room);
            let (sent, ()) = run(async {
                let read = async {
                    let mut pieces = Vec::new();
                    while pieces.last().is_none_or(|(last, _)| !last) {
                        pieces.push(packet(&mut far).await);
                    }
                    pieces
                };
                let write = async {
                    near.write_all(&data[..5]).await.unwrap();
                    near.write_all(&data[5..]).await.unwrap();
                    near.flush().await.unwrap();
                    // nothing to send is no message
                    near.flush().await.unwrap();
                };
                futures_util::future::join(read, write).await
            });
            let lengths: Vec<_> = sent.iter().map(|(last, payload)| (*last, payload.len())).collect();
            assert_eq!(lengths, [(false, 4088), (false, 4088), (true, 1824)], "{room}");
            assert_eq!(sent.into_iter().flat_map(|(_, payload)| payload).collect::<Vec<_>>(), data);
        }
    }

    #[test]
    fn packets_are_unwrapped_wherever_they_are_cut() {
        let sent = [&[KIND, 0, 0, 11, 9, 9, 9, 9][..], b"abc", &[KIND, 1, 0, 9, 0, 0, 0, 0], b"d", b"TLS"].concat();
        for room in [1, 2, 64] {
            let (mut near, mut far) = pair(room);
            let write = async { far.write_all(&sent).await.unwrap() };
            let read = async {
                let mut found = [0; 4];
                near.read_exact(&mut found).await.unwrap();
                near.leave_packets().unwrap();
                let mut rest = [0; 3];
                near.read_exact(&mut rest).await.unwrap();
                (found, rest)
            };
            let ((), (found, rest)) = run(futures_util::future::join(write, read));
            assert_eq!((&found, &rest), (b"abcd", b"TLS"), "{room}");
        }
    }

    #[test]
    fn anything_but_packets_is_an_error() {
        for wrong in [
            [4, 1, 0, 9, 0, 0, 0, 0],
            [KIND, 1, 0, 8, 0, 0, 0, 0],
            [KIND, 1, 0, 0, 0, 0, 0, 0],
            *b"\x15\x03\x03\0\x02\x02\x28\0",
        ] {
            let (mut near, mut far) = pair(64);
            run(async {
                far.write_all(&wrong).await.unwrap();
                let error = near.read(&mut [0; 8]).await.unwrap_err();
                assert!(error.get_ref().is_some_and(|error| error.is::<NotInPackets>()), "{wrong:?}: {error}");
            });
        }
    }

    #[test]
    fn more_than_the_handshake_is_an_error() {
        for (more, sent) in [("in the packet", &[KIND, 1, 0, 10, 0, 0, 0, 0, 1, 2][..]), ("half a packet", &[KIND, 1])]
        {
            let (mut near, mut far) = pair(64);
            run(async {
                far.write_all(sent).await.unwrap();
                // as far as it comes
                let _ = futures_util::future::poll_immediate(near.read(&mut [0; 1])).await;
                assert!(near.leave_packets().is_err(), "{more}");
            });
        }
    }
}
