//! What the system is told about the connections of a listener, which have what it has.

use rustix::net::sockopt;
use tokio::net::TcpListener;

use crate::settings::Limits;

/// The most bytes of answers that the system keeps for a client that does not take them: it would take megabytes, and say
/// nothing of the client until these are full. The longest answers are a few times this.
const SEND_BUFFER: usize = 64 << 10;

/// Told as far as the system listens: without it connections are none the worse, and `pace` still looks after them.
pub(super) fn prepare(listener: &TcpListener, limits: &Limits) {
    if let Err(error) = sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER) {
        tracing::debug!(error.message = %error, "server.send_buffer_not_set");
    }
    // A client that vanished takes nothing either, and what was given to the system for it is out of our sight.
    #[cfg(target_os = "linux")]
    {
        let within = u32::try_from(limits.write_timeout.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = sockopt::set_tcp_user_timeout(listener, within) {
            tracing::debug!(error.message = %error, "server.user_timeout_not_set");
        }
    }
}
