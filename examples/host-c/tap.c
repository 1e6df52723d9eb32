/* SPDX-License-Identifier: BSD-2-Clause */
/* The links of these hosts: tap:NAME, a TAP interface of Linux. The one file that knows Linux. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ETHERNET_MTU 1500

/* The largest payload of the interface that the request names. */
static uint32_t mtu(struct ifreq *request)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = s >= 0 && ioctl(s, SIOCGIFMTU, request) == 0;

    if (s >= 0)
        close(s);
    return known ? (uint32_t)request->ifr_mtu : ETHERNET_MTU;
}

int tap_open(struct rump_bytes url, struct rump_link_info *info, int *fd)
{
    static const char scheme[] = "tap:";
    const size_t prefix = sizeof scheme - 1;
    struct ifreq request;

    if (url.len <= prefix || memcmp(url.start, scheme, prefix) != 0)
        return -EPROTONOSUPPORT;
    if (url.len - prefix >= sizeof request.ifr_name)
        return -EINVAL;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, url.start + prefix, url.len - prefix);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;

    *fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return -errno;
    if (ioctl(*fd, TUNSETIFF, &request) < 0) {
        int error = errno;
        close(*fd);
        return -error;
    }
    /* The kernel's end of the cable has an address of its own; the interface's is the system's. */
    memset(info, 0, sizeof *info);
    info->mtu = mtu(&request);
    return 0;
}

/* Linux has such an interface writable while it is up. */
bool tap_carrier(int fd)
{
    struct pollfd one = { fd, POLLOUT, 0 };

    return poll(&one, 1, 0) >= 0 && (one.revents & POLLOUT) != 0;
}

size_t tap_receive(int fd, struct rump_segments_mut buffers, bool *drained)
{
    size_t filled = 0;

    *drained = false;
    while (filled < buffers.count) {
        struct rump_segment *segment = &buffers.start[filled];
        /* The system cuts a frame to fit and does not say so; a byte too many tells. */
        uint8_t excess;
        struct iovec parts[] = { { segment->start, segment->capacity }, { &excess, 1 } };
        ssize_t got = readv(fd, parts, 2);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            /* Any other error: the interface is gone. */
            *drained = errno == EAGAIN;
            break;
        }
        if ((size_t)got <= segment->capacity) {
            segment->len = (size_t)got;
            filled++;
        }
    }
    return filled;
}

size_t tap_transmit(int fd, struct rump_segments frames)
{
    size_t taken = 0;

    while (taken < frames.count) {
        const struct rump_segment *frame = &frames.start[taken];
        ssize_t sent = write(fd, frame->start, frame->len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        /* One that the system refuses is lost, as on a cable. */
        taken++;
    }
    return taken;
}
