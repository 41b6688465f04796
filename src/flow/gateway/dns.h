/*
 * DNS as a build sees it: every name has one IPv4 address, none has another record. Bytes in, bytes
 * out; no sockets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DNS_MAX = 512 };

/* Answers the query of n bytes into out[DNS_MAX]; 0 when it is not worth an answer. */
size_t dns_answer(const unsigned char *query, size_t n, const unsigned char address[4],
                  unsigned char out[DNS_MAX]);
