/* Implementation of init/user.h. */
#include "init/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20, GROUPS_MAX = 64, FIELDS = 7 };

/* Content of a small file, NUL-terminated; a larger one counts as empty. Never freed: the process
 * is about to become something else. */
static char *slurp(const char *path) {
    char *text = calloc(1, FILE_MAX_BYTES + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    while (text != NULL && fd >= 0 && n < FILE_MAX_BYTES) {
        ssize_t got = read(fd, text + n, FILE_MAX_BYTES - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    if (fd >= 0) {
        close(fd);
    }
    return text && n < FILE_MAX_BYTES ? text : NULL;
}

/* Cuts one line at its colons; the number of fields. */
static int fields(char *line, char **ret) {
    int n = 0;
    while (n < FIELDS && line != NULL) {
        ret[n++] = line;
        line = strchr(line, ':');
        if (line != NULL) {
            *line++ = '\0';
        }
    }
    return n;
}

static bool number(const char *text, unsigned long *ret) {
    char *end = NULL;
    errno = 0;
    *ret = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *ret < 65536;
}

static bool find_user(const char *name, unsigned long *ret_uid, unsigned long *ret_gid) {
    char *rest = slurp("/etc/passwd");
    char *line = NULL;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *f[FIELDS];
        if (fields(line, f) >= 4 && (strcmp(f[0], name) == 0 || strcmp(f[2], name) == 0) &&
            number(f[2], ret_uid) && number(f[3], ret_gid)) {
            return true;
        }
    }
    *ret_gid = 0;
    return number(name, ret_uid);
}

static bool lists(char *members, const char *name) {
    char *one = NULL;
    while ((one = strsep(&members, ",")) != NULL) {
        if (strcmp(one, name) == 0) {
            return true;
        }
    }
    return false;
}

bool user_become(const char *name, const char **ret_why) {
    unsigned long uid = 0;
    unsigned long gid = 0;
    if (!find_user(name, &uid, &gid)) {
        *ret_why = "the image has no user ";
        return false;
    }
    gid_t groups[GROUPS_MAX] = {(gid_t)gid};
    size_t n = 1;
    char *rest = slurp("/etc/group");
    char *line = NULL;
    while (n < GROUPS_MAX && (line = strsep(&rest, "\n")) != NULL) {
        char *f[FIELDS];
        unsigned long id = 0;
        if (fields(line, f) >= 4 && number(f[2], &id) && lists(f[3], name)) {
            groups[n++] = (gid_t)id;
        }
    }
    if (setgroups(n, groups) < 0 || setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) < 0 ||
        setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0) {
        *ret_why = "not allowed to become user ";
        return false;
    }
    return true;
}
