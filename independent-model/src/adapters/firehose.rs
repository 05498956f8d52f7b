//! The stream of a configured relay or PDS, by WebSocket (RFC 6455).

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, header};
use namesake::http::{Dialer, HttpSettings};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message, client::IntoClientRequest as _, error::ProtocolError, protocol::WebSocketConfig,
    },
};
use url::Url;

use super::WorldSetupError;
use crate::{
    PortFuture,
    events::{Broken, Heard, Relay, Subscription, SubscriptionFuture},
};

/// Subscribes to one host.
#[derive(Debug)]
pub struct Firehose {
    dialer: Dialer,
    url: Url,
    user_agent: HeaderValue,
    config: WebSocketConfig,
}

/// Where the stream is, below an URL that says no path.
const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";
/// Enough for many events at once; the rest is the socket's.
const READ_BUFFER: usize = 64 << 10;
/// We write signs of life only: a host that takes none of them is not waited for.
const WRITE_BUFFER: usize = 4 << 10;

impl Firehose {
    /// The longest message that a stream may bring by default: commits are at most 2 MB of blocks (lexicon), and more
    /// by what is around them.
    pub const DEFAULT_MAX_MESSAGE: usize = 8 << 20;

    /// The stream at `url` (`ws` or `wss`; a host alone means the lexicon's path).
    ///
    /// # Errors
    /// [`WorldSetupError`] when the settings cannot be used.
    pub fn new(settings: &HttpSettings, url: &Url, max_message: usize) -> Result<Self, WorldSetupError> {
        let mut url = url.clone();
        if !matches!(url.scheme(), "ws" | "wss") || url.host_str().is_none() || url.query().is_some() {
            return Err(WorldSetupError::Events);
        }
        if url.path() == "/" {
            url.set_path(PATH);
        }
        url.set_fragment(None);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| WorldSetupError::Events)?;
        Ok(Self { dialer: Dialer::configured(settings)?, url, user_agent, config })
    }

    async fn open(&self, cursor: Option<u64>) -> Result<Box<dyn Subscription>, Broken> {
        let mut url = self.url.clone();
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        }
        let mut request = url.as_str().into_client_request().map_err(|error| broken(&error))?;
        request.headers_mut().insert(header::USER_AGENT, self.user_agent.clone());
        let connection = self.dialer.dial(&url).await.map_err(|error| Broken::Lost(error.in_full()))?;
        // What a host answers instead of the stream is no message: trying again is all that can be done.
        let begun = client_async_with_config(request, connection, Some(self.config)).await;
        let (socket, _) = begun.map_err(|error| Broken::Lost(error.to_string()))?;
        Ok(Box::new(Stream(socket)))
    }
}

impl Relay for Firehose {
    fn subscribe(&self, cursor: Option<u64>) -> PortFuture<'_, Box<dyn Subscription>, Broken> {
        Box::pin(self.open(cursor))
    }
}

/// A stream that has begun.
struct Stream<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Subscription for Stream<S> {
    /// The socket keeps what it has read of a message that is not whole, so a dropped call loses nothing.
    fn next(&mut self) -> SubscriptionFuture<'_, Heard> {
        Box::pin(async move {
            match self.0.next().await {
                Some(Ok(Message::Binary(message))) => Ok(Heard::Message(message)),
                Some(Ok(Message::Close(_))) | None => {
                    Err(Broken::Lost("the host closed the stream".to_owned()))
                }
                // Pings are answered by the library; text is not of this protocol.
                Some(Ok(_)) => Ok(Heard::Life),
                Some(Err(error)) => Err(broken(&error)),
            }
        })
    }

    fn ping(&mut self) -> SubscriptionFuture<'_, ()> {
        Box::pin(
            async move { self.0.send(Message::Ping(Bytes::new())).await.map_err(|error| broken(&error)) },
        )
    }
}

fn broken(error: &Error) -> Broken {
    match error {
        Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::SendAfterClosing
            | ProtocolError::ReceivedAfterClosing,
        ) => Broken::Lost("the connection broke".to_owned()),
        Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt => {
            Broken::Unreadable(error.to_string())
        }
        error => Broken::Lost(error.to_string()),
    }
}
