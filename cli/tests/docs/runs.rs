//! Selection of the commands that `integration/tests/manifests/quick_start.rs` runs.

/// First words of the commands that need a cluster, a registry or a build. `commands.rs` lists each with the reason.
const ELSEWHERE: [&str; 5] = ["helm ", "kubectl ", "make ", "openssl ", "skopeo "];
/// A command of kubectl that kustomize can run in its place.
pub const RENDERS: &str = "kubectl kustomize ";

/// True if the command runs without a cluster.
pub fn without_cluster(command: &str) -> bool {
    command.starts_with(RENDERS) || !ELSEWHERE.iter().any(|start| command.starts_with(start))
}
