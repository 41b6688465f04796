/* Implementation of content_type.h: what web sites and releases are made of. */
#include "flow/action/content_type.h"

static const struct {
    struct str end;
    struct str type;
} types[] = {
    {S_INIT("avif"), S_INIT("image/avif")},
    {S_INIT("css"), S_INIT("text/css")},
    {S_INIT("csv"), S_INIT("text/csv")},
    {S_INIT("gif"), S_INIT("image/gif")},
    {S_INIT("gz"), S_INIT("application/gzip")},
    {S_INIT("htm"), S_INIT("text/html")},
    {S_INIT("html"), S_INIT("text/html")},
    {S_INIT("ico"), S_INIT("image/vnd.microsoft.icon")},
    {S_INIT("jar"), S_INIT("application/java-archive")},
    {S_INIT("jpeg"), S_INIT("image/jpeg")},
    {S_INIT("jpg"), S_INIT("image/jpeg")},
    {S_INIT("js"), S_INIT("text/javascript")},
    {S_INIT("json"), S_INIT("application/json")},
    {S_INIT("map"), S_INIT("application/json")},
    {S_INIT("md"), S_INIT("text/markdown")},
    {S_INIT("mjs"), S_INIT("text/javascript")},
    {S_INIT("mp4"), S_INIT("video/mp4")},
    {S_INIT("pdf"), S_INIT("application/pdf")},
    {S_INIT("png"), S_INIT("image/png")},
    {S_INIT("svg"), S_INIT("image/svg+xml")},
    {S_INIT("tar"), S_INIT("application/x-tar")},
    {S_INIT("txt"), S_INIT("text/plain")},
    {S_INIT("wasm"), S_INIT("application/wasm")},
    {S_INIT("webmanifest"), S_INIT("application/manifest+json")},
    {S_INIT("webp"), S_INIT("image/webp")},
    {S_INIT("woff"), S_INIT("font/woff")},
    {S_INIT("woff2"), S_INIT("font/woff2")},
    {S_INIT("xml"), S_INIT("application/xml")},
    {S_INIT("zip"), S_INIT("application/zip")},
};

struct str content_type_of(struct str name) {
    size_t dot = str_rfind_c(name, '.');
    size_t slash = str_rfind_c(name, '/');
    bool has_end = dot != (size_t)-1 && (slash == (size_t)-1 || dot > slash);
    struct str end = has_end ? str_sub(name, dot + 1, name.n) : S("");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_ieq(end, types[i].end)) {
            return types[i].type;
        }
    }
    return S("application/octet-stream");
}
