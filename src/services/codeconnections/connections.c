/* Rows of connections, and what the operator and the engine ask of them. Handlers of the two AWS
 * services are in handlers.h. */
#include "services/codeconnections/connections.h"

#include "aws/call/call.h"

extern const char codeconnections_schema_sql[];
const struct db_schema connections_schema = {"codeconnections", codeconnections_schema_sql};

#define COLUMNS "seq, arn, account, region, name, provider, host_arn, status, url, created_ms"

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
                   "'" STR_FMT "' is no URL that git fetches: it begins with file://, https://, "
                   "http:// or ssh://",
                   STR_ARG(url));
}

int connections_complete(struct db *db, struct str name_or_arn, struct str url, struct err *err) {
    if (check_url(url, err) < 0) {
        return -1;
    }
    const char *by = str_starts(name_or_arn, S("arn:")) ? "arn" : "name";
    const char *count = by[0] == 'a' ? "SELECT count(*) FROM connection WHERE arn = ?"
                                     : "SELECT count(*) FROM connection WHERE name = ?";
    const char *update = by[0] == 'a'
                             ? "UPDATE connection SET url = ?, status = 'AVAILABLE' WHERE arn = ?"
                             : "UPDATE connection SET url = ?, status = 'AVAILABLE' WHERE name = ?";
    int64_t n = 0;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int result = -1;
    if (db_get_i64(db, &n, err, count, "s", name_or_arn) < 0) {
        result = -1;
    } else if (n == 0) {
        err_set(err, ERR_NOT_FOUND, "no connection has the %s '" STR_FMT "'", by,
                STR_ARG(name_or_arn));
    } else if (n > 1) {
        err_set(err, ERR_CONFLICT, "%lld connections are called '" STR_FMT "': give the ARN",
                (long long)n, STR_ARG(name_or_arn));
    } else {
        result = db_run(db, err, update, "ss", url, name_or_arn);
    }
    if (result < 0) {
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
    *ret_url = fill_in(a, c.url, full_repository_id);
    return 0;
}
