//! Local replies to blocked messages.

use super::field::fields;
use super::kind::Whole;
use super::location::Direction;
use super::value::ReplyBody;

fields! {
    derive(Clone)
    /// Local reply that is sent instead of a blocked message.
    pub struct BlockReply {
        /// Status of the reply to a blocked request.
        // Forbidden: the client sent data that the policy does not permit.
        pub request_status: u16 as Whole<400, 599> = 403;
        /// Status of the reply in place of a blocked response.
        // Bad gateway: the upstream sent data that the policy does not permit.
        pub response_status: u16 as Whole<400, 599> = 502;
        /// Text in place of the default body, a problem document that names the rule and the request id.
        pub body: Option<String> as ReplyBody = None;
    }
}

impl BlockReply {
    /// Status of the local reply to a message of that direction.
    pub fn status(&self, direction: Direction) -> u16 {
        match direction {
            Direction::Request => self.request_status,
            Direction::Response => self.response_status,
        }
    }
}
