/* Implementation of services/core/account.h, and this folder's tables. */
#include "services/core/account.h"

#include "services/core/arn.h"
#include "services/core/core.h"

extern const char core_schema_sql[];
const struct db_schema core_schema = {"core", core_schema_sql};

#define COLUMNS "id, name, region, kind, role_arn, endpoint, ca_file"

static void read_account(struct db_rows *rows, struct arena *a, struct account *ret) {
    *ret = (struct account){
        .id = db_str(rows, a, 0),
        .name = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .kind = db_str(rows, a, 3),
        .role_arn = db_str(rows, a, 4),
        .endpoint = db_str(rows, a, 5),
        .ca_file = db_str(rows, a, 6),
    };
}

static bool name_is_fine(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || (c != '-' && c != '_' && c != '.'))) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 64;
}

int account_put(struct db *db, const struct account *account, struct err *err) {
    if (!arn_is_account(account->id)) {
        return err_set(err, ERR_INVALID, "account id '" STR_FMT "': 12 digits are needed",
                       STR_ARG(account->id));
    }
    if (!name_is_fine(account->name) || arn_is_account(account->name)) {
        return err_set(err, ERR_INVALID,
                       "account name '" STR_FMT "': letters, digits, '-', '_' and '.' are possible",
                       STR_ARG(account->name));
    }
    bool embedded = str_is(account->kind, "embedded");
    if (!embedded && !str_is(account->kind, "aws") && !str_is(account->kind, "endpoint")) {
        return err_set(err, ERR_INVALID, "account kind '" STR_FMT "' is none",
                       STR_ARG(account->kind));
    }
    if (db_run(db, err,
               "INSERT INTO account(" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?) "
               "ON CONFLICT(id) DO UPDATE SET name = excluded.name, region = excluded.region, "
               "kind = excluded.kind, role_arn = excluded.role_arn, endpoint = excluded.endpoint, "
               "ca_file = excluded.ca_file",
               "sssssss", account->id, account->name, account->region, account->kind,
               account->role_arn, account->endpoint, account->ca_file) < 0) {
        return err->kind == ERR_EXISTS
                   ? err_set(err, ERR_EXISTS, "account name '" STR_FMT "' is taken",
                             STR_ARG(account->name))
                   : -1;
    }
    return 0;
}

int account_find(struct db *db, struct arena *a, struct str name_or_id, struct account *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " COLUMNS " FROM account WHERE id = ? OR name = ?", "ss",
                 name_or_id, name_or_id) < 0) {
        return -1;
    }
    int more = db_next(&rows, err);
    if (more > 0) {
        read_account(&rows, a, ret);
    }
    return more;
}

int account_list(struct db *db, struct arena *a, struct account_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err, "SELECT " COLUMNS " FROM account ORDER BY id", "");
    *ret = (struct account_list){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_account(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}
