//! OCI images that bring panveil.wasm from `dist/` to the agent of an Istio sidecar.
//!
//! [`variants`] defines the images that the agent accepts, and builds them. [`layout`] stores their blobs by digest,
//! and writes them as a folder that any image tool can push. [`pinning`] writes the digest into the resource that names
//! the image.
//!
//! The same module gives the same bytes on every machine: nothing here depends on a time, a user or a path, and
//! `Cargo.lock` pins the compressor. Therefore the digest is known before the push, and a rebuild of the module shows
//! whether an image contains it.

pub mod layout;
pub mod pinning;
pub mod variants;
