//! The contract, and of WASI what this plugin asks for, as wit-bindgen turns them into Rust.
#![allow(missing_docs, unsafe_code, clippy::all, reason = "generated; the texts are those of the WIT files")]

wit_bindgen::generate!({
    path: ["../../../wit", "wit/cli.wit", "wit/filesystem.wit", "wit/sockets.wit"],
    inline: "
        package hostile:reach;
        world reach {
            import wasi:cli/environment@0.2.0;
            import wasi:filesystem/preopens@0.2.0;
            import wasi:sockets/instance-network@0.2.0;
            import wasi:sockets/ip-name-lookup@0.2.0;
            import wasi:sockets/tcp-create-socket@0.2.0;
            import wasi:sockets/udp-create-socket@0.2.0;
            export tidemill:plugin/transform@0.1.0;
        }
    ",
    world: "hostile:reach/reach",
    generate_all,
});
