//! Enumerations whose values have a name in policies, records and metrics, used by all stages.

/// Declares an enumeration with the name of each value.
macro_rules! named {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident {
        $($(#[$about:meta])* $value:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$about])* $value,)+
        }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$value),+];

            /// Name in policies, records and metrics.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }
    };
}
