//! The contract in `wit/`, as wit-bindgen turns it into Rust.
#![allow(missing_docs, unsafe_code, clippy::all, reason = "generated; the texts are those of the WIT files")]

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package hostile:liar;
        world liar {
            export tidemill:plugin/transform@0.1.0;
            export tidemill:plugin/reduce@0.1.0;
        }
    ",
    world: "hostile:liar/liar",
    generate_all,
});
