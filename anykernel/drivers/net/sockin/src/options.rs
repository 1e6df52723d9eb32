//! Which options are the host's to know, and what they say beside.

use syscall::consts::*;

/// Whether an option is passed on. Others may mean something to the host that no program here can know of, or hold
/// what is no plain value.
pub(crate) fn is_known(level: u32, name: u32) -> bool {
    match level {
        SOL_SOCKET => matches!(
            name,
            SO_REUSEADDR
                | SO_ERROR
                | SO_DONTROUTE
                | SO_BROADCAST
                | SO_SNDBUF
                | SO_RCVBUF
                | SO_KEEPALIVE
                | SO_OOBINLINE
                | SO_PRIORITY
                | SO_LINGER
                | SO_REUSEPORT
                | SO_RCVLOWAT
                | SO_SNDLOWAT
                | SO_BINDTODEVICE
                | SO_TIMESTAMP
                | SO_ACCEPTCONN
                | SO_TIMESTAMPNS
                | SO_MARK
        ),
        IPPROTO_TCP => matches!(
            name,
            TCP_NODELAY
                | TCP_MAXSEG
                | TCP_CORK
                | TCP_KEEPIDLE
                | TCP_KEEPINTVL
                | TCP_KEEPCNT
                | TCP_SYNCNT
                | TCP_DEFER_ACCEPT
                | TCP_INFO
                | TCP_QUICKACK
                | TCP_CONGESTION
                | TCP_USER_TIMEOUT
                | TCP_FASTOPEN
                | TCP_FASTOPEN_CONNECT
        ),
        IPPROTO_UDP => name == UDP_CORK,
        IPPROTO_IP => matches!(
            name,
            IP_TOS
                | IP_TTL
                | IP_HDRINCL
                | IP_PKTINFO
                | IP_MTU_DISCOVER
                | IP_RECVERR
                | IP_RECVTTL
                | IP_RECVTOS
                | IP_MTU
                | IP_FREEBIND
                | IP_MULTICAST_IF
                | IP_MULTICAST_TTL
                | IP_MULTICAST_LOOP
                | IP_ADD_MEMBERSHIP
                | IP_DROP_MEMBERSHIP
                | IP_MULTICAST_ALL
        ),
        IPPROTO_IPV6 => matches!(
            name,
            IPV6_UNICAST_HOPS
                | IPV6_MULTICAST_IF
                | IPV6_MULTICAST_HOPS
                | IPV6_MULTICAST_LOOP
                | IPV6_ADD_MEMBERSHIP
                | IPV6_DROP_MEMBERSHIP
                | IPV6_MULTICAST_ALL
                | IPV6_MTU_DISCOVER
                | IPV6_MTU
                | IPV6_RECVERR
                | IPV6_V6ONLY
                | IPV6_RECVPKTINFO
                | IPV6_RECVHOPLIMIT
                | IPV6_RECVTCLASS
                | IPV6_TCLASS
        ),
        _ => false,
    }
}

/// Whether a socket for which the option is set tells control data.
pub(crate) fn tells(level: u32, name: u32) -> bool {
    matches!(
        (level, name),
        (SOL_SOCKET, SO_TIMESTAMP | SO_TIMESTAMPNS)
            | (
                IPPROTO_IP,
                IP_PKTINFO | IP_RECVERR | IP_RECVTTL | IP_RECVTOS
            )
            | (
                IPPROTO_IPV6,
                IPV6_RECVERR | IPV6_RECVPKTINFO | IPV6_RECVHOPLIMIT | IPV6_RECVTCLASS
            )
    )
}
