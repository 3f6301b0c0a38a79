/*
 * Stands for libnvidia-ml.so.1 and libcuda.so.1 where there is no NVIDIA device: the calls that the probe
 * makes, with the names, layouts and codes of nvml.h and cuda.h. What happens is read at each call from
 * the file "control" beside the library, lines of "key value": devices, init, hang, cuInit, and, ending
 * with the index of a device, lost, used, alloc, garble, mode.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NVML_GPU_IS_LOST = 15, NVML_MISMATCH = 18, CUDA_OUT_OF_MEMORY = 2 };
enum { DEVICES_MAX = 4 };
static const unsigned long long TOTAL = 150754820096ULL; /* an H200: 140.4 GiB */

static char *allocations[DEVICES_MAX];
static int current;

static unsigned long long control(const char *key, int index, unsigned long long otherwise) {
  char name[64], word[64], path[4096];
  unsigned long long value;
  Dl_info info;
  if (index >= 0) snprintf(name, sizeof name, "%s%d", key, index);
  else snprintf(name, sizeof name, "%s", key);
  dladdr((void *)control, &info);
  snprintf(path, sizeof path, "%s", info.dli_fname);
  snprintf(strrchr(path, '/'), 16, "/control");
  FILE *file = fopen(path, "r");
  if (file == NULL) return otherwise;
  while (fscanf(file, "%63s %llu", word, &value) == 2)
    if (strcmp(word, name) == 0) otherwise = value;
  fclose(file);
  return otherwise;
}

static int count(void) { return (int)control("devices", -1, 1); }
static void *handle_of(int index) { return (void *)(long)(0x7f0000000000L + index); }
static int index_of(void *device) { return (int)((long)device - 0x7f0000000000L); }

/* NVML */

struct memory { unsigned long long total, free, used; };
struct utilisation { unsigned int gpu, memory; };
struct pci { char legacy[16]; unsigned int domain, bus, device, id, subsystem; char bus_id[32]; };

int nvmlInit_v2(void) {
  if (control("hang", -1, 0)) for (;;) pause();
  return (int)control("init", -1, SUCCESS);
}
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) {
  if (code == NVML_GPU_IS_LOST) return "GPU is lost";
  if (code == NVML_MISMATCH) return "Driver/library version mismatch";
  return "Unknown Error";
}
int nvmlSystemGetDriverVersion(char *text, unsigned int length) {
  snprintf(text, length, "550.54.15");
  return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned int *devices) { *devices = count(); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
  if (control("lost", index, 0)) return NVML_GPU_IS_LOST;
  *device = handle_of(index);
  return SUCCESS;
}
int nvmlDeviceGetName(void *device, char *text, unsigned int length) {
  (void)device;
  snprintf(text, length, "NVIDIA H200");
  return SUCCESS;
}
int nvmlDeviceGetUUID(void *device, char *text, unsigned int length) {
  snprintf(text, length, "GPU-00000000-0000-0000-0000-%012d", index_of(device));
  return SUCCESS;
}
int nvmlDeviceGetPciInfo_v3(void *device, struct pci *pci) {
  snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", 0x3B + index_of(device));
  return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
  unsigned long long used = control("used", index_of(device), 600000000ULL);
  *memory = (struct memory){ TOTAL, TOTAL - used, used };
  return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(void *device, struct utilisation *rates) {
  *rates = (struct utilisation){ 7 + index_of(device), 1 };
  return SUCCESS;
}
int nvmlDeviceGetComputeMode(void *device, int *mode) {
  *mode = (int)control("mode", index_of(device), 0);
  return SUCCESS;
}

/* CUDA numbers the devices the other way round, as it may: only the PCI address says which is which. */

static int nvml_index(int device) { return count() - 1 - device; }

int cuInit(unsigned int flags) { (void)flags; return (int)control("cuInit", -1, SUCCESS); }
int cuGetErrorName(int code, const char **name) {
  if (code == CUDA_OUT_OF_MEMORY) *name = "CUDA_ERROR_OUT_OF_MEMORY";
  else if (code == 46) *name = "CUDA_ERROR_DEVICE_UNAVAILABLE";
  else if (code == 214) *name = "CUDA_ERROR_ECC_UNCORRECTABLE";
  else if (code == 802) *name = "CUDA_ERROR_SYSTEM_NOT_READY";
  else return 1;
  return SUCCESS;
}
int cuDeviceGetCount(int *devices) { *devices = count() - (int)control("hidden", -1, 0); return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }
int cuDeviceGetPCIBusId(char *text, int length, int device) {
  snprintf(text, length, "0000:%02X:00.0", 0x3B + nvml_index(device));
  return SUCCESS;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = handle_of(device);
  return (int)control("context", nvml_index(device), SUCCESS);
}
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; return SUCCESS; }
int cuCtxSetCurrent(void *context) { current = index_of(context); return SUCCESS; }
int cuMemAlloc_v2(unsigned long long *address, size_t bytes) {
  int code = (int)control("alloc", nvml_index(current), SUCCESS);
  if (code == SUCCESS) *address = (unsigned long long)(allocations[current] = malloc(bytes));
  return code;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t bytes) {
  memcpy((void *)to, from, bytes);
  return SUCCESS;
}
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t bytes) {
  memcpy(to, (void *)from, bytes);
  if (control("garble", nvml_index(current), 0)) ((char *)to)[bytes / 2] ^= 1;
  return SUCCESS;
}
int cuMemFree_v2(unsigned long long address) { free((void *)address); return SUCCESS; }
