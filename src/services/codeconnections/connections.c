/* Rows of connections, and what the operator and the engine ask of them. Handlers of the two AWS
 * services are in handlers.h. */
#include "services/codeconnections/connections.h"

#include "aws/call/call.h"
#include "services/core/seal.h"

extern const char codeconnections_schema_sql[];
const struct db_schema connections_schema = {"codeconnections", codeconnections_schema_sql};

#define COLUMNS                                                                                    \
    "seq, arn, account, region, name, provider, host_arn, status, sealed_url, created_ms"

static struct str seal_context(struct arena *a, struct str arn) {
    return str_printf(a, "codeconnections/url/" STR_FMT, STR_ARG(arn));
}

static int read_row(struct db_rows *rows, struct arena *a, struct connection *ret,
                    struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct connection){db_i64(rows, 0),    db_str(rows, a, 1), db_str(rows, a, 2),
                                   db_str(rows, a, 3), db_str(rows, a, 4), db_str(rows, a, 5),
                                   db_str(rows, a, 6), db_str(rows, a, 7), db_str(rows, a, 8),
                                   db_i64(rows, 9)};
    }
    return more;
}

/* Both services show the same connections, each under the name that it was made with. */
int connection_find(struct db *db, struct arena *a, struct str arn, struct connection *ret,
                    struct err *err) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts)) {
        return 0;
    }
    struct str other = str_printf(
        a, "arn:aws:%s:%.*s:%.*s:%.*s",
        str_is(parts.service, "codeconnections") ? "codestar-connections" : "codeconnections",
        STR_ARG(parts.region), STR_ARG(parts.account), STR_ARG(parts.resource));
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " COLUMNS " FROM connection WHERE arn IN (?, ?)", "ss",
                 arn, other) < 0) {
        return -1;
    }
    return read_row(&rows, a, ret, err);
}

int connection_insert(struct db *db, const struct connection *c, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO connection(arn, account, region, name, provider, host_arn, status, "
                  "created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  "sssssssi", c->arn, c->account, c->region, c->name, c->provider, c->host_arn,
                  c->status, c->created_ms);
}

int connection_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM connection WHERE arn = ?", "s", arn);
}

int connection_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str provider, struct str host_arn, int64_t after_seq, int64_t limit,
                    struct connection_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM connection WHERE account = ? AND region = ? "
                 "AND provider = coalesce(?, provider) AND (?4 IS NULL OR host_arn = ?4) "
                 "AND seq > ? ORDER BY seq LIMIT ?",
                 "ssssii", account, region, provider, host_arn, after_seq, limit) < 0) {
        return -1;
    }
    *ret = (struct connection_list){0};
    struct connection c;
    int more;
    while ((more = read_row(&rows, a, &c, err)) > 0) {
        *arena_push(a, ret) = c;
    }
    return more;
}

static int check_url(struct str url, struct err *err) {
    static const char *const schemes[] = {"file://", "https://", "http://", "ssh://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!str_starts(url, str_c(schemes[i]))) {
            continue;
        }
        for (size_t j = 0; j < url.n; j++) {
            if ((unsigned char)url.p[j] <= ' ' || url.p[j] == 0x7F) {
                return err_set(err, ERR_INVALID, "the URL holds a blank or a control character");
            }
        }
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "this is no URL that git fetches: it begins with file://, https://, http:// or "
                   "ssh://");
}

/* The one connection of that name or ARN. */
static int find_one(struct db *db, struct arena *a, struct str name_or_arn, struct str *ret_arn,
                    struct err *err) {
    const char *by = str_starts(name_or_arn, S("arn:")) ? "arn" : "name";
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 by[0] == 'a' ? "SELECT arn FROM connection WHERE arn = ? LIMIT 2"
                              : "SELECT arn FROM connection WHERE name = ? LIMIT 2",
                 "s", name_or_arn) < 0) {
        return -1;
    }
    int more = db_next(&rows, err);
    if (more <= 0) {
        return more < 0 ? -1
                        : err_set(err, ERR_NOT_FOUND, "no connection has the %s '" STR_FMT "'", by,
                                  STR_ARG(name_or_arn));
    }
    *ret_arn = db_str(&rows, a, 0);
    more = db_next(&rows, err);
    return more <= 0 ? more
                     : err_set(err, ERR_CONFLICT,
                               "several connections are called '" STR_FMT "': give the ARN",
                               STR_ARG(name_or_arn));
}

static int put_url(struct db *db, struct arena *a, const struct rng *rng, struct str arn,
                   struct str url, struct err *err) {
    return db_run(db, err,
                  "UPDATE connection SET url = NULL, sealed_url = ?, status = 'AVAILABLE' "
                  "WHERE arn = ?",
                  "bs", seal_make(a, rng, seal_context(a, arn), url), arn);
}

int connections_complete(struct db *db, const struct rng *rng, struct str name_or_arn,
                         struct str url, struct err *err) {
    if (check_url(url, err) < 0 || db_begin(db, err) < 0) {
        return -1;
    }
    struct arena a = ARENA_INIT;
    struct str arn = STR_NONE;
    int result =
        find_one(db, &a, name_or_arn, &arn, err) < 0 ? -1 : put_url(db, &a, rng, arn, url, err);
    arena_done(&a);
    if (result < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

/* ---- stores of before URLs were sealed ---- */

static int list_open(struct db *db, struct arena *a, struct str_map *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT arn, url FROM connection WHERE url IS NOT NULL", "") < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more;
}

/* An empty open URL marks a sealed one whose open form may still be in the store's files. */
static int seal_all(struct db *db, struct arena *a, const struct rng *rng, struct err *err) {
    struct str_map open = {0};
    if (list_open(db, a, &open, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < open.n; i++) {
        struct str arn = open.v[i].key;
        if (open.v[i].value.n > 0 &&
            (put_url(db, a, rng, arn, open.v[i].value, err) < 0 ||
             db_run(db, err, "UPDATE connection SET url = '' WHERE arn = ?", "s", arn) < 0)) {
            return -1;
        }
    }
    return open.n > 0 ? 1 : 0;
}

static int seal_open_ones(struct db *db, const struct rng *rng, struct err *err) {
    struct arena a = ARENA_INIT;
    int found = db_begin(db, err);
    if (found == 0) {
        found = seal_all(db, &a, rng, err);
        if (found < 0) {
            db_rollback(db);
        } else if (db_commit(db, err) < 0) {
            found = -1;
        }
    }
    arena_done(&a);
    return found;
}

int connections_seal(struct db *db, const struct rng *rng, struct err *err) {
    int found = seal_open_ones(db, rng, err);
    if (found <= 0) {
        return found;
    }
    if (db_scrub(db, err) < 0 || db_begin(db, err) < 0) {
        return -1;
    }
    if (db_run(db, err, "UPDATE connection SET url = NULL WHERE url = ''", "") < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

/* Parts of letters, digits, '.', '_', '-' between single slashes; "." and ".." lead elsewhere. */
static bool is_repository_id(struct str id) {
    struct str rest = id;
    struct str part;
    while (str_cut(&rest, '/', &part)) {
        if (part.n == 0 || str_is(part, ".") || str_is(part, "..") || part.p[0] == '-') {
            return false;
        }
        for (size_t i = 0; i < part.n; i++) {
            char c = part.p[i];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
                return false;
            }
        }
    }
    return id.n > 0 && id.n <= 256;
}

static struct str fill_in(struct arena *a, struct str url, struct str id) {
    struct str mark = S("{repository}");
    size_t at;
    size_t from = 0;
    while ((at = str_find(url, mark, from)) != (size_t)-1) {
        struct str tail = str_sub(url, at + mark.n, url.n);
        url = str_concat(a, str_concat(a, str_sub(url, 0, at), id), tail);
        from = at + id.n;
    }
    return url;
}

int connections_resolve(struct db *db, struct arena *a, struct str account, struct str arn,
                        struct str full_repository_id, struct str *ret_url, struct err *err) {
    if (!is_repository_id(full_repository_id)) {
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no repository id, such as 'owner/name'",
                       STR_ARG(full_repository_id));
    }
    struct connection c;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = connection_find(db, a, arn, &c, err);
    db_rollback(db);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(c.account, account)) {
        return err_set(err, ERR_NOT_FOUND, "there is no connection '" STR_FMT "'", STR_ARG(arn));
    }
    if (!str_is(c.status, "AVAILABLE")) {
        return err_set(err, ERR_CONFLICT,
                       "connection '" STR_FMT "' is " STR_FMT
                       ": 'trunkline connection complete " STR_FMT
                       " --url URL' says where its repositories are",
                       STR_ARG(c.name), STR_ARG(c.status), STR_ARG(c.name));
    }
    struct str url = STR_NONE;
    if (seal_open(a, seal_context(a, c.arn), c.sealed_url, &url, err) < 0) {
        return err_wrap(err, "URL of connection '" STR_FMT "'", STR_ARG(c.name));
    }
    *ret_url = fill_in(a, url, full_repository_id);
    return 0;
}
