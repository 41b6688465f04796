/*
 * Load over HTTP: load PORT CONNECTIONS SECONDS FILE [close]
 * Each connection is a thread that sends the bytes of FILE again and again and reads each answer to
 * its end; `close` makes a new connection for each request, as does a server that asks for it.
 * Prints one JSON object: rate per second, p50 and p99 in microseconds, answers other than 2xx.
 */
#include "base/arena.h"
#include "platform/os/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, SAMPLES_MAX = 200000, PIECE = 256 * 1024 };

struct job {
    uint16_t port;
    bool close_each;
    double seconds;
    struct str request;
};

struct worker {
    const struct job *job;
    pthread_t thread;
    int fd;
    long errors;
    float *us; /* of each answer, up to SAMPLES_MAX */
    size_t n;
    char *piece;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int dial(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static bool send_all(int fd, struct str s) {
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        s = str_sub(s, (size_t)n, s.n);
    }
    return true;
}

/* Length of the body, from the head's Content-Length. */
static size_t body_length(const char *head) {
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at != NULL ? strtoul(at + 17, NULL, 10) : 0;
}

/* One answer. False when the connection is over before it is complete. */
static bool read_answer(struct worker *w, bool *ret_ok, bool *ret_close) {
    size_t have = 0;
    char *end = NULL;
    while (end == NULL) {
        ssize_t n = recv(w->fd, w->piece + have, PIECE - 1 - have, 0);
        if (n <= 0) {
            return false;
        }
        have += (size_t)n;
        w->piece[have] = '\0';
        end = strstr(w->piece, "\r\n\r\n");
    }
    *end = '\0';
    *ret_ok = strncmp(w->piece, "HTTP/1.1 2", 10) == 0;
    *ret_close = strcasestr(w->piece, "\r\nconnection: close") != NULL;
    size_t total = (size_t)(end - w->piece) + 4 + body_length(w->piece);
    while (have < total) {
        ssize_t n = recv(w->fd, w->piece, PIECE, 0);
        if (n <= 0) {
            return false;
        }
        have += (size_t)n;
    }
    return true;
}

static void *work(void *ud) {
    struct worker *w = ud;
    double end = now_s() + w->job->seconds;
    w->fd = -1;
    for (double start = now_s(); start < end; start = now_s()) {
        bool ok = false;
        bool closes = w->job->close_each;
        if (w->fd < 0) {
            w->fd = dial(w->job->port);
        }
        bool complete = send_all(w->fd, w->job->request) && read_answer(w, &ok, &closes);
        w->errors += !complete || !ok;
        if (!complete || closes || w->job->close_each) {
            close(w->fd);
            w->fd = -1;
        }
        if (w->n < SAMPLES_MAX) {
            w->us[w->n++] = (float)((now_s() - start) * 1e6);
        }
    }
    return NULL;
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a;
    float y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static void report(struct worker *workers, int n, double seconds) {
    size_t total = 0;
    long errors = 0;
    float *all = mem_alloc(sizeof(float) * SAMPLES_MAX * (size_t)n);
    for (int i = 0; i < n; i++) {
        memcpy(all + total, workers[i].us, workers[i].n * sizeof(float));
        total += workers[i].n;
        errors += workers[i].errors;
    }
    qsort(all, total, sizeof(float), by_size);
    printf("{\"rate\": %.1f, \"p50\": %.0f, \"p99\": %.0f, \"errors\": %ld}\n",
           (double)total / seconds, total > 0 ? (double)all[total / 2] : 0.0,
           total > 0 ? (double)all[total * 99 / 100] : 0.0, errors);
    free(all);
}

int main(int argc, char **argv) {
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct worker workers[CONNECTIONS_MAX];
    if (argc < 5) {
        fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS FILE [close]\n");
        return 2;
    }
    struct job job = {.port = (uint16_t)strtoul(argv[1], NULL, 10),
                      .close_each = argc > 5,
                      .seconds = strtod(argv[3], NULL)};
    long n = strtol(argv[2], NULL, 10);
    if (n < 1 || n > CONNECTIONS_MAX ||
        file_read(&arena, argv[4], 64 * 1024 * 1024, &job.request, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg[0] ? err.msg : "1 to 64 connections");
        return 2;
    }
    double start = now_s();
    for (long i = 0; i < n; i++) {
        workers[i] = (struct worker){.job = &job};
        workers[i].us = mem_alloc(sizeof(float) * SAMPLES_MAX);
        workers[i].piece = mem_alloc(PIECE);
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (long i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    report(workers, (int)n, now_s() - start);
    arena_done(&arena);
    return 0;
}
