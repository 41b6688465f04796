/* Accounts without a server; release_accounts.h. */
#include "front/cli/release_accounts.h"

#include "front/cli/accounts_file.h"
#include "front/cli/place.h"
#include "platform/os/file.h"

static const struct release_account first_four[] = {
    {S_INIT("shared-services"), S_INIT("111111111111"), S_INIT("eu-west-2")},
    {S_INIT("development"), S_INIT("222222222222"), S_INIT("eu-west-2")},
    {S_INIT("pre-production"), S_INIT("333333333333"), S_INIT("eu-west-2")},
    {S_INIT("production"), S_INIT("444444444444"), S_INIT("eu-west-2")},
};

void release_accounts_add(struct arena *a, struct release_accounts *all,
                          struct release_account account) {
    *arena_push(a, all) = account;
    if (str_is(account.name, PLACE_HOME) && all->n > 1) {
        struct release_account first = all->v[0];
        all->v[0] = all->v[all->n - 1];
        all->v[all->n - 1] = first;
    }
}

int release_accounts_guess(struct arena *a, const char *dir, struct release_accounts *ret,
                           struct err *err) {
    struct accounts file = {0};
    const char *path = str_printf(a, "%s/accounts.yml", dir).p;
    if (file_exists(path) && accounts_read(a, path, NULL, &file, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < file.n; i++) {
        release_accounts_add(
            a, ret, (struct release_account){file.v[i].name, file.v[i].id, file.v[i].region});
    }
    for (size_t i = 0; i < sizeof(first_four) / sizeof(first_four[0]); i++) {
        if (accounts_find(&file, first_four[i].name) == NULL) {
            release_accounts_add(a, ret, first_four[i]);
        }
    }
    return 0;
}
