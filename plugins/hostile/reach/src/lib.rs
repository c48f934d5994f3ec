//! Tries to reach what each line names, and answers in its place what came of it.
//!
//! The host links WASI because toolchains add it unasked, so all of these calls exist; what they answer is what
//! a plugin can reach. Only Wasm is built; there is nothing in it for a native build.
#![cfg(target_family = "wasm")]

mod bindings;

use bindings::exports::tidemill::plugin::transform::{Guest, Output, Plan};
use bindings::tidemill::plugin::types::{Batch, Column, DataType, Field, Values, Varlen};
use bindings::wasi::cli::environment;
use bindings::wasi::filesystem::preopens;
use bindings::wasi::sockets::instance_network::instance_network;
use bindings::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use bindings::wasi::sockets::{ip_name_lookup, tcp_create_socket, udp_create_socket};

struct Reach;

impl Guest for Reach {
    fn open(_: String, _: Vec<Field>) -> Result<Plan, String> {
        let found = Field { name: "found".into(), data_type: DataType::Utf8, nullable: false };
        Ok(Plan { reads: vec![0], carries: vec![], produces: vec![found] })
    }

    fn process(input: Batch) -> Result<Output, String> {
        let Some(Column { values: Values::Utf8(lines), .. }) = input.columns.first() else {
            return Err("a text is wanted".into());
        };
        let mut found = Varlen { offsets: vec![0], data: vec![] };
        for span in lines.offsets.windows(2) {
            let line = &lines.data[span[0] as usize..span[1] as usize];
            found.data.extend(reach(&String::from_utf8_lossy(line))?.into_bytes());
            found.offsets.push(found.data.len() as u32);
        }
        let columns = vec![Column { values: Values::Utf8(found), valid: None }];
        Ok(Output { batch: Batch { rows: input.rows, columns }, origins: None, rejects: vec![] })
    }
}

fn reach(what: &str) -> Result<String, String> {
    Ok(match what {
        "environment" => format!("{} variables", environment::get_environment().len()),
        "arguments" => format!("{} arguments", environment::get_arguments().len()),
        "folder" => format!("{:?}", environment::initial_cwd()),
        "files" => format!("{} folders", preopens::get_directories().len()),
        "listen" => outcome(listen()),
        "connect" => outcome(connect()),
        "udp" => outcome(bind_udp()),
        "names" => outcome(ip_name_lookup::resolve_addresses(&instance_network(), "localhost").map(|_| ())),
        _ => return Err(format!("there is no way to reach `{what}`")),
    })
}

fn outcome(result: Result<(), ErrorCode>) -> String {
    result.map_or_else(|code| code.name().to_owned(), |()| "reached".to_owned())
}

fn loopback() -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 9, address: (127, 0, 0, 1) })
}

fn listen() -> Result<(), ErrorCode> {
    let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), loopback())
}

fn connect() -> Result<(), ErrorCode> {
    let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_connect(&instance_network(), loopback())
}

fn bind_udp() -> Result<(), ErrorCode> {
    let socket = udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), loopback())
}

mod export {
    #![allow(unsafe_code, reason = "generated")]
    use super::{Reach, bindings};

    bindings::export!(Reach with_types_in bindings);
}
