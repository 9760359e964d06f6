/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/release.h"

#include "hv_util/base.h"

const char *const release_mark_names[RELEASE_MARKS] = {
	[RELEASE_CERTAIN] = "certain",
	[RELEASE_INFERRED] = "inferred",
	[RELEASE_UNKNOWN] = "unknown",
};

/*
 * KB4014894 is of hosts from Windows Server 2016 on, where a mismatch leaves the status OK; the event
 * 4010 that a 2012 R2 host writes calls it unsupported, and Microsoft's Msvm_*Component classes have
 * Degraded for it. The cmdlet came with 2012; OpenVMM has none.
 */
const struct release releases[RELEASES] = {
	[RELEASE_2008] = { "2008", "Windows Server 2008", true, RELEASE_INFERRED, RELEASE_INFERRED },
	[RELEASE_2008R2] = { "2008r2", "Windows Server 2008 R2", true, RELEASE_INFERRED, RELEASE_INFERRED },
	[RELEASE_2012] = { "2012", "Windows Server 2012", true, RELEASE_INFERRED, RELEASE_CERTAIN },
	[RELEASE_2012R2] = { "2012r2", "Windows Server 2012 R2", true, RELEASE_INFERRED, RELEASE_CERTAIN },
	[RELEASE_WIN10_1511] = { "win10-1511", "Windows 10 1511", false, RELEASE_INFERRED, RELEASE_CERTAIN },
	[RELEASE_2016] = { "2016", "Windows Server 2016", false, RELEASE_CERTAIN, RELEASE_CERTAIN },
	[RELEASE_2019] = { "2019", "Windows Server 2019", false, RELEASE_CERTAIN, RELEASE_CERTAIN },
	[RELEASE_2022] = { "2022", "Windows Server 2022", false, RELEASE_CERTAIN, RELEASE_CERTAIN },
	[RELEASE_2025] = { "2025", "Windows Server 2025", false, RELEASE_CERTAIN, RELEASE_CERTAIN },
	[RELEASE_OPENVMM] = { "openvmm", "OpenVMM", false, RELEASE_UNKNOWN, RELEASE_UNKNOWN },
};

/* --- what is offered: a row a component and span of releases --- */

#define LIST(...) { .n = ARRAY_LEN(((struct ic_version[]){ __VA_ARGS__ })), .v = { __VA_ARGS__ } }
#define V1_0 { 1, 0 }
#define V1_1 { 1, 1 }
#define V3_0 { 3, 0 }
#define V3_1 { 3, 1 }
#define V3_2 { 3, 2 }
#define V4_0 { 4, 0 }
#define V5_0 { 5, 0 }
#define V6_0 { 6, 0 }
#define V7_0 { 7, 0 }

/* Only two framework versions are known to exist (Linux hv_util.c, OpenVMM). */
#define OFFERS(mark_, source_, ...) \
	{ .framework = LIST(V1_0, V3_0), .message = LIST(__VA_ARGS__), .mark = mark_, .source = source_ }
#define OFFERS_2008(mark_, source_) \
	{ .framework = LIST(V1_0), .message = LIST(V1_0), .mark = mark_, .source = source_ }
#define OFFERS_NOTHING(source_) { .mark = RELEASE_CERTAIN, .source = source_ }

#define C RELEASE_CERTAIN
#define I RELEASE_INFERRED
#define U RELEASE_UNKNOWN

#define WS2008_CONSTANTS "Linux hv_util.c: the constants of WS2008 are 1.0"
#define LINUX_3_12 "Linux 3.12 answers 3.0 to all hosts after 2008"
#define LOGS_2012R2 "kernel logs of Linux guests on 2012 R2"
#define LIKE_2012R2 "as 2012 R2, nothing newer was seen"
#define LOG_20348 "kernel log of a Linux guest on build 20348"
#define LOG_WIN11 "kernel log of a Linux guest on Windows 11"
#define OPENVMM_SOURCE "OpenVMM vm/devices/hyperv_ic"

static const struct release_row {
	enum ic_component component;
	enum release_id first, last;
	struct release_offer offer;
} rows[] = {
	{ IC_FCOPY, RELEASE_2008, RELEASE_2012, OFFERS_NOTHING("it came with 2012 R2") },
	{ IC_FCOPY, RELEASE_2012R2, RELEASE_2012R2, OFFERS(C, LOGS_2012R2, V1_1) },
	{ IC_FCOPY, RELEASE_WIN10_1511, RELEASE_2019, OFFERS(I, LIKE_2012R2, V1_1) },
	{ IC_FCOPY, RELEASE_2022, RELEASE_2022, OFFERS(C, LOG_20348, V1_1) },
	{ IC_FCOPY, RELEASE_2025, RELEASE_2025, OFFERS(C, LOG_WIN11, V1_1) },
	{ IC_FCOPY, RELEASE_OPENVMM, RELEASE_OPENVMM, OFFERS_NOTHING(OPENVMM_SOURCE) },

	/* 3.1 is known from the symbols of a Windows 10 guest (Mile.HyperV), and from no host. */
	{ IC_HEARTBEAT, RELEASE_2008, RELEASE_2008, OFFERS_2008(I, WS2008_CONSTANTS) },
	{ IC_HEARTBEAT, RELEASE_2008R2, RELEASE_2012, OFFERS(I, LINUX_3_12, V1_0, V3_0) },
	{ IC_HEARTBEAT, RELEASE_2012R2, RELEASE_2012R2, OFFERS(C, LOGS_2012R2, V1_0, V3_0) },
	{ IC_HEARTBEAT, RELEASE_WIN10_1511, RELEASE_2019, OFFERS(I, LIKE_2012R2, V1_0, V3_0) },
	{ IC_HEARTBEAT, RELEASE_2022, RELEASE_2022, OFFERS(C, LOG_20348, V1_0, V3_0) },
	{ IC_HEARTBEAT, RELEASE_2025, RELEASE_2025, OFFERS(C, LOG_WIN11, V1_0, V3_0) },
	{ IC_HEARTBEAT, RELEASE_OPENVMM, RELEASE_OPENVMM, OFFERS_NOTHING(OPENVMM_SOURCE) },

	{ IC_KVP, RELEASE_2008, RELEASE_2008, OFFERS_2008(I, WS2008_CONSTANTS) },
	{ IC_KVP, RELEASE_2008R2, RELEASE_2008R2,
	  OFFERS(I, "Linux and OpenBSD answer 3.0 to a host like Windows 7", V1_0, V3_0) },
	{ IC_KVP, RELEASE_2012, RELEASE_2012,
	  OFFERS(I, "Linux and OpenBSD answer 4.0 to hosts after Windows 7", V3_0, V4_0) },
	{ IC_KVP, RELEASE_2012R2, RELEASE_2012R2,
	  OFFERS(C, "event 4010 of a host: negotiated 4.0, expected 5.0", V3_0, V4_0, V5_0) },
	{ IC_KVP, RELEASE_WIN10_1511, RELEASE_2019, OFFERS(I, LIKE_2012R2, V3_0, V4_0, V5_0) },
	{ IC_KVP, RELEASE_2022, RELEASE_2025,
	  OFFERS(C, "posted reports: a mismatch with the 4.0 of Linux", V3_0, V4_0, V5_0) },
	{ IC_KVP, RELEASE_OPENVMM, RELEASE_OPENVMM, OFFERS(C, OPENVMM_SOURCE, V3_0, V4_0, V5_0) },

	{ IC_SHUTDOWN, RELEASE_2008, RELEASE_2008, OFFERS_2008(I, WS2008_CONSTANTS) },
	{ IC_SHUTDOWN, RELEASE_2008R2, RELEASE_2012, OFFERS(I, LINUX_3_12, V1_0, V3_0) },
	{ IC_SHUTDOWN, RELEASE_2012R2, RELEASE_2012R2, OFFERS(C, LOGS_2012R2, V1_0, V3_0) },
	{ IC_SHUTDOWN, RELEASE_WIN10_1511, RELEASE_WIN10_1511, OFFERS(I, LIKE_2012R2, V1_0, V3_0) },
	{ IC_SHUTDOWN, RELEASE_2016, RELEASE_2019,
	  OFFERS(U, "no log has 3.1 from before 2020, and old guests show no mismatch", V1_0, V3_0) },
	{ IC_SHUTDOWN, RELEASE_2022, RELEASE_2022, OFFERS(C, LOG_20348, V1_0, V3_0, V3_1, V3_2) },
	{ IC_SHUTDOWN, RELEASE_2025, RELEASE_2025, OFFERS(C, LOG_WIN11, V1_0, V3_0, V3_1, V3_2) },
	{ IC_SHUTDOWN, RELEASE_OPENVMM, RELEASE_OPENVMM,
	  OFFERS(C, OPENVMM_SOURCE, V1_0, V3_0, V3_1, V3_2) },

	{ IC_TIMESYNC, RELEASE_2008, RELEASE_2008, OFFERS_2008(I, WS2008_CONSTANTS) },
	{ IC_TIMESYNC, RELEASE_2008R2, RELEASE_2012, OFFERS(I, LINUX_3_12, V1_0, V3_0) },
	{ IC_TIMESYNC, RELEASE_2012R2, RELEASE_2012R2, OFFERS(C, LOGS_2012R2, V1_0, V3_0) },
	{ IC_TIMESYNC, RELEASE_WIN10_1511, RELEASE_WIN10_1511,
	  OFFERS(C, "Linux a16564541318: 4.0 fails on build 10586", V3_0) },
	{ IC_TIMESYNC, RELEASE_2016, RELEASE_2016,
	  OFFERS(C, "kernel log of a Linux guest on build 14393; KB4014894", V1_0, V3_0, V4_0) },
	{ IC_TIMESYNC, RELEASE_2019, RELEASE_2019,
	  OFFERS(C, "kernel logs of Linux guests; KB4014894", V1_0, V3_0, V4_0) },
	{ IC_TIMESYNC, RELEASE_2022, RELEASE_2022, OFFERS(C, LOG_20348, V1_0, V3_0, V4_0) },
	{ IC_TIMESYNC, RELEASE_2025, RELEASE_2025, OFFERS(C, LOG_WIN11, V1_0, V3_0, V4_0) },
	{ IC_TIMESYNC, RELEASE_OPENVMM, RELEASE_OPENVMM, OFFERS(C, OPENVMM_SOURCE, V4_0) },

	/* OpenVMM names each version after the Windows that it came with. */
	{ IC_VSS, RELEASE_2008, RELEASE_2008, OFFERS_2008(U, "only Windows guests have spoken it") },
	{ IC_VSS, RELEASE_2008R2, RELEASE_2008R2, OFFERS(U, "less than the 4.0 of Windows 8", V3_0) },
	{ IC_VSS, RELEASE_2012, RELEASE_2012, OFFERS(C, "OpenVMM: 4.0 is that of Windows 8", V4_0) },
	{ IC_VSS, RELEASE_2012R2, RELEASE_2012R2,
	  OFFERS(C, "OpenVMM: 5.0 is that of Windows 8.1, on which Linux agrees", V4_0, V5_0) },
	{ IC_VSS, RELEASE_WIN10_1511, RELEASE_WIN10_1511,
	  OFFERS(U, "OpenVMM: 6.0 is that of Windows 10", V4_0, V5_0, V6_0) },
	{ IC_VSS, RELEASE_2016, RELEASE_2016,
	  OFFERS(I, "OpenVMM: 7.0 came soon after Windows 10", V4_0, V5_0, V6_0, V7_0) },
	{ IC_VSS, RELEASE_2019, RELEASE_2025,
	  OFFERS(I, "posted reports: a mismatch with what must be 5.0", V4_0, V5_0, V6_0, V7_0) },
	{ IC_VSS, RELEASE_OPENVMM, RELEASE_OPENVMM, OFFERS_NOTHING(OPENVMM_SOURCE) },
};

const struct release_offer *release_offer(enum release_id release, enum ic_component component)
{
	static const struct release_offer none = { .mark = RELEASE_UNKNOWN, .source = "" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].component == component && rows[i].first <= release && release <= rows[i].last)
			return &rows[i].offer;
	return &none;
}

static bool is_list(const struct release_list *known, const struct ic_list *offered)
{
	if (known->n != offered->n)
		return false;
	for (unsigned i = 0; i < known->n; i++)
		if (!ic_version_equal(known->v[i], offered->v[i]))
			return false;
	return true;
}

bool release_offers(enum release_id release, enum ic_component component, const struct ic_offer *offer)
{
	const struct release_offer *known = release_offer(release, component);

	return known->message.n > 0 && is_list(&known->framework, &offer->framework) &&
	       is_list(&known->message, &offer->message);
}

/* --- what is reported --- */

/* KB4014894; the cmdlet ends it with a full stop. */
#define MISMATCH                                                        \
	"The protocol version of the component installed in the virtual " \
	"machine does not match the version expected by the hosting system."

/* ApplicationCritical (Microsoft's Msvm_HeartbeatComponent). */
#define CRITICAL "(32782)"

#define REPORT(primary_, secondary_, mark_) \
	((struct release_report){ .primary = primary_, .secondary = secondary_, .mark = mark_ })

static enum release_mark weaker(enum release_mark a, enum release_mark b)
{
	return a > b ? a : b;
}

static struct ic_list list_of(const struct release_list *known)
{
	struct ic_list list = { .n = known->n };

	for (unsigned i = 0; i < known->n; i++)
		list.v[i] = known->v[i];
	return list;
}

static struct ic_version newest(const struct release_list *known)
{
	return known->v[known->n - 1];
}

/* Only a heartbeat from 3.0 on tells of applications. */
static enum heartbeat_state state_told(enum ic_component component, const struct ic_pair *is,
				       enum heartbeat_state state)
{
	return component == IC_HEARTBEAT && is->message.major >= 3 ? state : HEARTBEAT_UNKNOWN;
}

/*
 * That both versions count is inferred: the event 4010 names both, and no report with a lower framework
 * was ever posted. Whether the state of the applications or the mismatch is the second word, too.
 */
static struct release_report report_mismatch(const struct release *release,
					     const struct release_offer *offer, bool in_message,
					     enum heartbeat_state state)
{
	enum release_mark mark = weaker(in_message ? RELEASE_CERTAIN : RELEASE_INFERRED, offer->mark);

	mark = weaker(mark, release->degrades_mark);
	return REPORT(release->degrades ? "Degraded" : "OK", MISMATCH,
		      state == HEARTBEAT_UNKNOWN ? mark : RELEASE_UNKNOWN);
}

/* A heartbeat's second word is the state of its applications (OpenVMM's tests against a host; Microsoft's
 * Msvm_HeartbeatComponent, which knows none for stopped ones). */
static struct release_report report_expected(const struct release_offer *offer, enum heartbeat_state state)
{
	switch (state) {
	case HEARTBEAT_UNKNOWN:
		return REPORT("OK", "", offer->mark);
	case HEARTBEAT_HEALTHY:
		return REPORT("OK", "OK", weaker(offer->mark, RELEASE_INFERRED));
	case HEARTBEAT_CRITICAL:
		return REPORT("OK", CRITICAL, weaker(offer->mark, RELEASE_INFERRED));
	case HEARTBEAT_STOPPED:
	case HEARTBEAT_STATES:
		break;
	}
	return REPORT("OK", "", RELEASE_UNKNOWN);
}

static struct release_report report_agreed(const struct release *release,
					   const struct release_offer *offer, const struct ic_pair *is,
					   enum heartbeat_state state)
{
	bool in_message = !ic_version_reaches(is->message, newest(&offer->message));

	if (in_message || !ic_version_reaches(is->framework, newest(&offer->framework)))
		return report_mismatch(release, offer, in_message, state);
	return report_expected(offer, state);
}

/* Of an answer. What the second word is where nothing was agreed on, nobody has seen; nor what becomes
 * of an answer that was not offered, or is cut off. */
static struct release_report report_answer(const struct release *release, enum ic_component component,
					   const struct release_offer *offer,
					   const struct ic_policy *policy, enum heartbeat_state state)
{
	const struct ic_offer offered = { list_of(&offer->framework), list_of(&offer->message) };
	struct ic_answer answer = negotiate_decide(&offered, policy);

	if (answer.silent)
		return REPORT("No Contact", "", RELEASE_CERTAIN);
	if (policy->raw.has_truncate && policy->raw.truncate < NEGOTIATE_ANSWER_SIZE)
		return REPORT("No Contact", "", RELEASE_UNKNOWN);
	if (answer.counts[0] != 1 || answer.counts[1] != 1 || answer.unoffered)
		return REPORT("Non-Recoverable Error", "", RELEASE_UNKNOWN);
	return report_agreed(release, offer, &answer.pair, state_told(component, &answer.pair, state));
}

struct release_report release_report(enum release_id release, enum ic_component component,
				     const struct ic_policy *policy, enum heartbeat_state state)
{
	const struct release_offer *offer = release_offer(release, component);
	struct release_report report;

	if (offer->message.n == 0)
		report = REPORT("", "", offer->mark);
	else if (!policy || policy->message.n == 0)
		report = REPORT("No Contact", "", RELEASE_CERTAIN);
	else
		report = report_answer(&releases[release], component, offer, policy, state);
	report.mark = weaker(report.mark, releases[release].words_mark);
	return report;
}
