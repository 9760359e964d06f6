/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/heartbeat.h"
#include "hv_util/kvp.h"
#include "hv_util/timesync.h"

const struct ic_service *const ic_services[] = {
	&ic_heartbeat,
	&ic_kvp,
	&ic_timesync,
};

const size_t ic_n_services = ARRAY_LEN(ic_services);

const char *const ic_component_names[IC_COMPONENTS] = {
	[IC_FCOPY] = "FileCopy",
	[IC_HEARTBEAT] = "Heartbeat",
	[IC_KVP] = "KVP",
	[IC_SHUTDOWN] = "Shutdown",
	[IC_TIMESYNC] = "TimeSync",
	[IC_VSS] = "VSS",
};
