/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon is called on the bus: for itself and for vmicctl. */
#pragma once

#define BUS_NAME "org.vmicd1"
#define BUS_PATH "/org/vmicd1"
#define BUS_MANAGER "org.vmicd1.Manager"
#define BUS_COMPONENT "org.vmicd1.Component"
#define BUS_COMPONENT_PATH BUS_PATH "/component/"

#define BUS_ERROR_NO_SUCH_PROFILE "org.vmicd1.Error.NoSuchProfile"
#define BUS_ERROR_NO_SUCH_COMPONENT "org.vmicd1.Error.NoSuchComponent"
#define BUS_ERROR_NOT_OPEN "org.vmicd1.Error.NotOpen"
#define BUS_ERROR_NO_SUCH_KEY "org.vmicd1.Error.NoSuchKey"
#define BUS_ERROR_LOCKED "org.vmicd1.Error.Locked"
#define BUS_ERROR_INVALID_CONFIGURATION "org.vmicd1.Error.InvalidConfiguration"
