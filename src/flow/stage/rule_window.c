/* DeploymentWindow: passes in every minute that matches Cron, by the clock on the wall of TimeZone
 * (default UTC), and waits for the window to open until then. */
#include "flow/stage/rule.h"

#include "flow/definition/quartz.h"
#include "platform/os/zone.h"

enum { MINUTE_MS = 60 * 1000 };

/* When it opens, by the clock on the wall there; nothing where that is more than a week away. */
static struct str opens(struct arena *a, const struct quartz *window, int64_t local_s) {
    int64_t next_s = quartz_next(window, local_s);
    if (next_s < 0) {
        return S("");
    }
    struct str iso = time_iso(a, next_s * 1000); /* "2026-11-24T01:52:00Z" */
    return str_printf(a, ", and opens on " STR_FMT " at " STR_FMT, STR_ARG(str_sub(iso, 0, 10)),
                      STR_ARG(str_sub(iso, 11, 5)));
}

int rule_window_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    struct arena *a = run->check->arena;
    struct str cron = rule_setting(run, "Cron");
    struct str zone = rule_setting(run, "TimeZone");
    int64_t now_ms = clock_now_ms(run->check->flow->clock);
    struct quartz window;
    int ahead_s = 0;
    if (zone.n == 0) {
        zone = S("UTC");
    }
    if (quartz_parse(cron, &window, err) < 0 ||
        zone_offset(a, zone, now_ms / 1000, &ahead_s, err) < 0) {
        return err_wrap(err, "rule %.*s", STR_ARG(run->rule->name));
    }
    bool open = quartz_matches(&window, now_ms / 1000 + ahead_s);
    ret->verdict = open ? RULE_PASSED : RULE_WAITS;
    ret->summary = str_printf(a, "The window %.*s (%.*s) is %s%.*s", STR_ARG(cron), STR_ARG(zone),
                              open ? "open" : "closed",
                              STR_ARG(open ? S("") : opens(a, &window, now_ms / 1000 + ahead_s)));
    ret->again_ms = (int)(MINUTE_MS - now_ms % MINUTE_MS); /* windows open on the minute */
    return 0;
}
