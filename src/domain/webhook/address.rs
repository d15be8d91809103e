//! To which addresses a webhook may be sent: public ones. Everything that leads into this
//! machine or its network, in whatever notation, could be asked on behalf of somebody who
//! may not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why nothing is sent to an address; `None` where it is public.
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

/// Ranges by first address and length of their prefix.
const REFUSED_V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared by a provider's customers"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([169, 254, 0, 0], 16, "link-local, where clouds keep their metadata"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "reserved for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([192, 88, 99, 0], 24, "a relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |(first, length, _): &&([u8; 4], u32, &str)| {
        u32::from(address) >> (32 - length) == u32::from(Ipv4Addr::from(*first)) >> (32 - length)
    };
    REFUSED_V4.iter().find(within).map(|(_, _, why)| *why)
}

/// Ranges within 2000::/3 that are not public; everything outside it is refused.
const REFUSED_V6: &[(u128, u32, &str)] = &[
    (0x2001_0000 << 96, 32, "a tunnel (Teredo)"),
    (0x2001_0002 << 96, 48, "for benchmarks"),
    (0x2001_0010 << 96, 28, "an identifier (ORCHID)"),
    (0x2001_0020 << 96, 28, "an identifier (ORCHID)"),
    (0x2001_0db8 << 96, 32, "for documentation"),
    (0x3fff_0000 << 96, 20, "for documentation"),
];

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = u128::from(address);
    let v4 = |bits: u128| Ipv4Addr::from((bits & 0xffff_ffff) as u32);
    // A translator makes the embedded address of it (RFC 6052), and so does 6to4 (RFC 3056).
    if bits >> 32 == 0x0064_ff9b_u128 << 64 {
        return refusal_v4(v4(bits));
    }
    if bits >> 112 == 0x2002 {
        return refusal_v4(v4(bits >> 80));
    }
    if bits >> 32 == 0xffff {
        return refusal_v4(v4(bits)).or(Some("an IPv4 address written as IPv6"));
    }
    if bits >> 125 != 0b001 {
        return Some("not public");
    }
    let within = |(first, length, _): &&(u128, u32, &str)| bits >> (128 - length) == first >> (128 - length);
    REFUSED_V6.iter().find(within).map(|(_, _, why)| *why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn is_refused(address: &str) -> bool {
        refusal(address.parse().unwrap()).is_some()
    }

    #[test]
    fn addresses_inside_are_refused_in_every_notation() {
        let inside = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.3",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "192.88.99.1",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:1::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "::ffff:0:127.0.0.1",
        ];
        for address in inside {
            assert!(is_refused(address), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        let outside = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:82b::200e",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:4860:4860::8888",
        ];
        for address in outside {
            assert!(!is_refused(address), "{address}");
        }
    }
}
