//! Directions and locations within a request/response pair.

named! {
    /// Direction of a message.
    pub enum Direction {
        /// From the client to the upstream.
        Request = "request",
        /// From the upstream to the client.
        Response = "response",
    }
}

named! {
    /// Location within a message.
    #[derive(PartialOrd, Ord)]
    pub enum Location {
        /// A header field, other than the path.
        Headers = "headers",
        /// The path of a request, with its query.
        Path = "path",
        /// The body.
        Body = "body",
        /// A trailer field.
        Trailers = "trailers",
    }
}
