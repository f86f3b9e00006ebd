//! Generates code for the messages and the service of `peers/charges.proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "envoy")]
    {
        println!("cargo::rerun-if-changed=peers/charges.proto");
        let files = protox::compile(["peers/charges.proto"], ["peers"])?;
        tonic_prost_build::configure().compile_fds(files)?;
    }
    Ok(())
}
