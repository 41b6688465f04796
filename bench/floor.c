/*
 * What this machine can do at all, for comparison:
 *   floor http      bare libmicrohttpd: small answers, 1 MiB on /mib, bodies of PUT thrown away;
 *                   prints its port, serves until its standard input ends
 *   floor commit    raw SQLite, WAL and synchronous=FULL: one small insert for each commit, one
 * second
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char mib[1 << 20];

static enum MHD_Result answer(void *ud, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_n, void **state) {
    static int seen;
    (void)ud;
    (void)method;
    (void)version;
    (void)data;
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*data_n > 0) {
        *data_n = 0;
        return MHD_YES;
    }
    size_t n = strcmp(url, "/mib") == 0 ? sizeof(mib) : 350;
    struct MHD_Response *response = MHD_create_response_from_buffer(n, mib, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

static int serve(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                         MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)96 * 1024, MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        d != NULL ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        fprintf(stderr, "floor: libmicrohttpd did not start\n");
        return 1;
    }
    printf("%u\n", (unsigned)info->port);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    MHD_stop_daemon(d);
    return 0;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int commit(const char *dir) {
    char path[4096];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/floor.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT)",
                     NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "floor: %s\n", sqlite3_errmsg(db));
        return 1;
    }
    long n = 0;
    double start = now_s();
    while (now_s() - start < 1.0) {
        if (sqlite3_exec(db, "INSERT INTO t(v) VALUES('a small row of a small table')", NULL, NULL,
                         NULL) != SQLITE_OK) {
            fprintf(stderr, "floor: %s\n", sqlite3_errmsg(db));
            return 1;
        }
        n++;
    }
    printf("{\"rate\": %.1f}\n", (double)n / (now_s() - start));
    sqlite3_close(db);
    return 0;
}

int main(int argc, char **argv) {
    memset(mib, 'x', sizeof(mib));
    if (argc == 2 && strcmp(argv[1], "http") == 0) {
        return serve();
    }
    if (argc == 3 && strcmp(argv[1], "commit") == 0) {
        return commit(argv[2]);
    }
    fprintf(stderr, "usage: floor http | floor commit DIR\n");
    return 2;
}
