//! Public test card number of the tests, and its masked form under the empty policy.

/// Test number of Visa.
pub const CARD: &str = "4111111111111111";
/// Masked form of [`CARD`].
pub const MASKED: &str = "411111******1111";
