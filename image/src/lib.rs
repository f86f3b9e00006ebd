//! How does panveil.wasm get from `dist/` to the agent of an Istio sidecar?
//!
//! [`variants`] says which images the agent accepts and makes them. [`layout`] keeps what they consist of by its
//! digest, and writes it as a folder that any tool for images can push. [`pinning`] writes the digest into the resource
//! that names the image.
//!
//! The same module gives the same bytes, on every machine: nothing here knows a time, a user or a path, and the
//! compressor is the one in `Cargo.lock`. So a digest is known before anything is pushed, and whoever rebuilds the
//! module can tell whether an image holds it.

pub mod layout;
pub mod pinning;
pub mod variants;
