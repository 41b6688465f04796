/* What a build can send to its gateway: the first byte says as what the rest is read. */
#include "fuzz.h"

#include "base/buf.h"
#include "flow/artifact/select.h"
#include "flow/gateway/dns.h"
#include "flow/gateway/internal.h"

#include <sys/socket.h>
#include <unistd.h>

static bool collect(void *ud, struct str bytes) {
    buf_add(ud, bytes);
    return true;
}

/* Messages one after another, as a client would pipeline them. */
static void read_messages(struct str bytes, bool answers) {
    int fds[2];
    struct stream s;
    if (bytes.n > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
        return;
    }
    FUZZ_MUST(write(fds[0], bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fds[0]);
    stream_init(&s, fds[1], NULL);
    for (int i = 0; i < 10; i++) {
        struct arena a = ARENA_INIT;
        struct message m;
        struct buf body cleanup_buf;
        buf_init(&body, 100000);
        bool good = message_read(&s, &a, answers, &m) == 1 &&
                    message_body(&s, &m, false, collect, &body, 50000) == 0;
        FUZZ_MUST(!good || m.length < 0 || answers || body.n == (size_t)m.length);
        arena_done(&a);
        if (!good) {
            break;
        }
    }
    stream_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned char address[4] = {169, 254, 170, 3};
    unsigned char out[DNS_MAX];
    struct str name = STR_NONE;
    if (size == 0) {
        return 0;
    }
    struct str rest = fuzz_str(data + 1, size - 1);
    size_t half = rest.n / 2;
    switch (data[0] % 5) {
    case 0:
        FUZZ_MUST(dns_answer(data + 1, size - 1, address, out) <= DNS_MAX);
        break;
    case 1:
        if (route_sni(rest, &name) == 1) {
            FUZZ_MUST(route_good_host(name) && name.p >= rest.p &&
                      name.p + name.n <= rest.p + rest.n);
        }
        break;
    case 2:
        read_messages(rest, false);
        break;
    case 3:
        read_messages(rest, true);
        break;
    default:
        artifact_match(str_sub(rest, 0, half), str_sub(rest, half, rest.n));
    }
    return 0;
}
