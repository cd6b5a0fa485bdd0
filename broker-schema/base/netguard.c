/* SPDX-License-Identifier: MIT */
#include "base/netguard.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* What is refused; the first row that covers an address names it. The last three rows are
 * all of IPv6 outside 2000::/3, so that a range assigned later starts out refused. */
static const struct rule {
    const char *range;
    const char *what;
    const char *rfc;
} rules[] = {
    {"0.0.0.0/8", "this network", "RFC 791"},
    {"10.0.0.0/8", "private", "RFC 1918"},
    {"100.64.0.0/10", "shared by carrier NAT", "RFC 6598"},
    {"127.0.0.0/8", "loopback", "RFC 1122"},
    {"169.254.169.254/32", "cloud metadata, link-local", "RFC 3927"},
    {"169.254.0.0/16", "link-local", "RFC 3927"},
    {"172.16.0.0/12", "private", "RFC 1918"},
    {"192.0.0.0/24", "protocol assignments", "RFC 6890"},
    {"192.0.2.0/24", "documentation", "RFC 5737"},
    {"192.88.99.0/24", "6to4 relays", "RFC 7526"},
    {"192.168.0.0/16", "private", "RFC 1918"},
    {"198.18.0.0/15", "benchmarks", "RFC 2544"},
    {"198.51.100.0/24", "documentation", "RFC 5737"},
    {"203.0.113.0/24", "documentation", "RFC 5737"},
    {"224.0.0.0/4", "multicast", "RFC 5771"},
    {"255.255.255.255/32", "broadcast", "RFC 919"},
    {"240.0.0.0/4", "reserved", "RFC 1112"},
    {"::/128", "unspecified", "RFC 4291"},
    {"::1/128", "loopback", "RFC 4291"},
    {"::/96", "IPv4-compatible", "RFC 4291"},
    {"64:ff9b:1::/48", "local translation", "RFC 8215"},
    {"100::/64", "discard", "RFC 6666"},
    {"2001::/32", "Teredo", "RFC 4380"},
    {"2001::/23", "protocol assignments", "RFC 2928"},
    {"2001:db8::/32", "documentation", "RFC 3849"},
    {"3fff::/20", "documentation", "RFC 9637"},
    {"fc00::/7", "private (unique local)", "RFC 4193"},
    {"fe80::/10", "link-local", "RFC 4291"},
    {"fec0::/10", "site-local", "RFC 3879"},
    {"ff00::/8", "multicast", "RFC 4291"},
    {"::/3", "not global unicast", "RFC 4291"},
    {"4000::/2", "not global unicast", "RFC 4291"},
    {"8000::/1", "not global unicast", "RFC 4291"},
};

/* Where IPv6 carries an IPv4 address that the packet will reach in the end. */
static const struct carrier {
    const char *range;
    const char *what;
    const char *rfc;
    size_t at; /* offset of the IPv4 address */
} carriers[] = {
    {"::ffff:0:0/96", "IPv4-mapped", "RFC 4291", 12},
    {"::ffff:0:0:0/96", "IPv4-translated", "RFC 2765", 12},
    {"64:ff9b::/96", "NAT64", "RFC 6052", 12},
    {"2002::/16", "6to4", "RFC 3056", 2},
};

static int address_parse(const char *text, struct netguard_address *out)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < COUNT(families); i++) {
        struct netguard_address address = {.family = families[i]};
        if (inet_pton(families[i], text, address.bytes) != 1)
            continue;
        *out = address;
        return 0;
    }
    return -1;
}

static int range_parse(const char *cidr, struct netguard_range *out)
{
    char text[INET6_ADDRSTRLEN];
    size_t len = strcspn(cidr, "/");
    struct netguard_range range;
    if (len >= sizeof text)
        return -1;
    memcpy(text, cidr, len);
    text[len] = '\0';
    if (address_parse(text, &range.base) != 0)
        return -1;
    int64_t bits_max = range.base.family == AF_INET ? 32 : 128;
    int64_t bits = bits_max;
    if (cidr[len] == '/' && text_to_int(bytes_of(cidr + len + 1), &bits) != 0)
        return -1;
    if (bits < 0 || bits > bits_max)
        return -1;
    range.bits = (size_t)bits;
    *out = range;
    return 0;
}

static int covers(const struct netguard_range *range,
                  const struct netguard_address *address)
{
    size_t whole = range->bits / 8, rest = range->bits % 8;
    if (range->base.family != address->family)
        return 0;
    if (memcmp(range->base.bytes, address->bytes, whole) != 0)
        return 0;
    return rest == 0 ||
           (range->base.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

/* The tables stay readable text and are parsed at each look: that is some microseconds
 * beside a connect(). */
static int row_covers(const char *row, const struct netguard_address *address)
{
    struct netguard_range range;
    return range_parse(row, &range) == 0 && covers(&range, address);
}

static const struct carrier *carrier_of(const struct netguard_address *address)
{
    for (size_t i = 0; i < COUNT(carriers); i++)
        if (row_covers(carriers[i].range, address))
            return &carriers[i];
    return NULL;
}

/* Replace an IPv6 address that carries an IPv4 address by the latter. */
static void unwrap(struct netguard_address *address)
{
    const struct carrier *carrier = carrier_of(address);
    if (carrier == NULL)
        return;
    struct netguard_address inner = {.family = AF_INET};
    memcpy(inner.bytes, address->bytes + carrier->at, 4);
    *address = inner;
}

static int address_read(const struct sockaddr *from, struct netguard_address *out)
{
    struct netguard_address address = {.family = from->sa_family};
    if (from->sa_family == AF_INET)
        memcpy(address.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(address.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    else
        return -1;
    *out = address;
    return 0;
}

static int allowed(const struct netguard *guard, const struct netguard_address *address)
{
    for (size_t i = 0; i < guard->allowed_count; i++)
        if (covers(&guard->allowed[i], address))
            return 1;
    return 0;
}

static const struct rule *rule_of(const struct netguard_address *address)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (row_covers(rules[i].range, address))
            return &rules[i];
    return NULL;
}

static int has_bits_behind_prefix(const struct netguard_range *range)
{
    for (size_t bit = range->bits; bit < sizeof range->base.bytes * 8; bit++)
        if (range->base.bytes[bit / 8] & (0x80 >> bit % 8))
            return 1;
    return 0;
}

int netguard_allow(struct netguard *guard, const char *cidr, struct err *err)
{
    struct netguard_range range;
    if (range_parse(cidr, &range) != 0)
        return err_set(err, LEAT_EUSAGE,
                       "\"%.64s\" is no range of addresses such as 10.0.0.0/8 or ::1/128",
                       cidr);
    if (has_bits_behind_prefix(&range))
        return err_set(err, LEAT_EUSAGE, "\"%.64s\" has bits set behind its /%zu", cidr,
                       range.bits);
    const struct carrier *carrier = carrier_of(&range.base);
    if (carrier != NULL)
        return err_set(err, LEAT_EUSAGE,
                       "\"%.64s\" carries IPv4 addresses (%s, %s): name the IPv4 range",
                       cidr, carrier->what, carrier->rfc);
    if (guard->allowed_count == NETGUARD_ALLOWED_MAX)
        return err_set(err, LEAT_EUSAGE, "more than %d allowed ranges (limit %d)",
                       NETGUARD_ALLOWED_MAX, NETGUARD_ALLOWED_MAX);
    guard->allowed[guard->allowed_count++] = range;
    return 0;
}

int netguard_check(const struct netguard *guard, const struct sockaddr *address,
                   struct err *err)
{
    struct netguard_address judged;
    if (address_read(address, &judged) != 0)
        return err_set(
            err, LEAT_EDENIED,
            "an address of family %d is refused: only IPv4 and IPv6 are allowed",
            address->sa_family);
    unwrap(&judged);
    const struct rule *rule = rule_of(&judged);
    if (rule == NULL || allowed(guard, &judged))
        return 0;
    char text[INET6_ADDRSTRLEN];
    inet_ntop(judged.family, judged.bytes, text, sizeof text);
    return err_set(err, LEAT_EDENIED,
                   "address %s is refused as %s (%s, %s); to allow it: --allow-net %s",
                   text, rule->what, rule->range, rule->rfc, text);
}

int netguard_permits(const struct netguard *guard, const struct sockaddr *address)
{
    return netguard_check(guard, address, NULL) == 0;
}
