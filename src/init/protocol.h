/*
 * What the supervisor and trunkline-init say to each other over one SOCK_SEQPACKET pair: fixed
 * structs, one per message, both sides compiled from this file on the same machine. Variable parts
 * travel in a sealed anonymous file whose descriptor comes with the message.
 */
#pragma once

#include <stdint.h>

enum {
    INIT_MAGIC = 0x546C6E31, /* a message that does not begin so ends the container */
    INIT_TEXT_MAX = 160,
    INIT_BLOB_MAX = 8 << 20, /* bytes of arguments and environment */
    INIT_COMMANDS_MAX = 64,  /* running at the same time */
};

enum init_op {
    INIT_RUN = 1,    /* descriptors: blob, standard output, standard error, [standard input] */
    INIT_SIGNAL = 2, /* send `signal` to the session of command `id`; 0 = to everybody */
    INIT_END = 3,    /* end the container now */
};

struct init_request {
    uint32_t magic;
    uint32_t op;    /* enum init_op */
    uint32_t id;    /* number of the command, given by the supervisor, not 0 */
    uint32_t argc;  /* RUN: arguments in the blob */
    uint32_t envc;  /* RUN: variables in the blob */
    int32_t signal; /* SIGNAL */
};

/* The blob holds NUL-terminated strings: working folder, user ("" = root), arguments, variables. */

enum init_event {
    INIT_READY = 1,   /* once, before anything else */
    INIT_EXITED = 2,  /* the command's own process has ended; others of its session may live on */
    INIT_REFUSED = 3, /* it could not be started: `text` says why */
};

struct init_reply {
    uint32_t magic;
    uint32_t event; /* enum init_event */
    uint32_t id;    /* of the command; 0 for READY */
    int32_t code;   /* EXITED: exit code, or 128 + signal */
    int32_t signal; /* EXITED: signal that ended it, or 0 */
    char text[INIT_TEXT_MAX];
};
