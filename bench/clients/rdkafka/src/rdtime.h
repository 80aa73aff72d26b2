/* rd.h has all that is needed. */
#pragma once
