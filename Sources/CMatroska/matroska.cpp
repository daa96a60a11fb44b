#include "cmatroska.h"

#include <memory>
#include <string>
#include <vector>

#include <ebml/EbmlHead.h>
#include <ebml/EbmlSubHead.h>
#include <ebml/EbmlVoid.h>
#include <ebml/IOCallback.h>
#include <matroska/KaxBlock.h>
#include <matroska/KaxCluster.h>
#include <matroska/KaxClusterData.h>
#include <matroska/KaxCues.h>
#include <matroska/KaxInfo.h>
#include <matroska/KaxInfoData.h>
#include <matroska/KaxSeekHead.h>
#include <matroska/KaxSegment.h>
#include <matroska/KaxTrackEntryData.h>
#include <matroska/KaxTrackVideo.h>
#include <matroska/KaxTracks.h>

using namespace libebml;
using namespace libmatroska;

namespace {

// Times in a file are milliseconds: what players expect.
const uint64_t scale = 1000000;
// A cluster is what a player loads at once; block times in it are 16 bits of milliseconds.
const uint64_t cluster_ns = 2000000000;
const size_t cluster_bytes = 4 << 20;
// Room for the positions of the three parts that follow.
const uint64_t seek_room = 256;

template <class Element, class Parent, class Value> void set(Parent &parent, const Value &value) {
  GetChild<Element>(parent).SetValue(value);
}

// Knows where it is, and has the caller write. What it can't write it remembers and goes on: an exception on its way
// through the library would leave elements with two owners.
class Output : public IOCallback {
public:
  Output(cmatroska_write write, void *context) : give(write), context(context) {}

  size_t write(const void *bytes, size_t count) override {
    if (!failed && give(context, place, bytes, count) != 0) failed = true;
    place += count;
    if (end < place) end = place;
    return count;
  }

  void setFilePointer(int64 offset, seek_mode mode) override {
    place = uint64_t(offset) + (mode == seek_current ? place : mode == seek_end ? end : 0);
  }

  uint64 getFilePointer() override { return place; }
  uint32 read(void *, size_t) override { return 0; }
  void close() override {}

  bool failed = false;

private:
  cmatroska_write give;
  void *context;
  uint64_t place = 0;
  uint64_t end = 0;
};

} // namespace

struct cmatroska_file {
  std::unique_ptr<Output> output;
  KaxSegment segment;
  KaxSeekHead seek;
  KaxCues cues;
  EbmlVoid room;
  KaxTrackEntry *track = nullptr;
  std::unique_ptr<KaxCluster> cluster;
  std::vector<std::unique_ptr<KaxBlockBlob>> blobs;
  uint64_t info_at = 0;
  uint64_t cluster_begin = 0;
  uint64_t last = 0;
  size_t held = 0;

  void end_cluster() {
    if (!cluster) return;
    cluster->Render(*output, cues);
    cluster->ReleaseFrames();
    // A block belongs to its blob and lies in the cluster too: each deletes it.
    for (auto *element : *cluster)
      if (!dynamic_cast<KaxSimpleBlock *>(element)) delete element;
    cluster->RemoveAll();
    cluster.reset();
    blobs.clear();
    held = 0;
  }
};

cmatroska_file *cmatroska_open(
  cmatroska_write write, void *context, const char *codec, const uint8_t *private_data, size_t private_count,
  uint32_t width, uint32_t height, const char *name, const char *program) {
  try {
    auto file = std::make_unique<cmatroska_file>();
    file->output = std::make_unique<Output>(write, context);
    EbmlHead head;
    set<EDocType>(head, std::string("matroska"));
    set<EDocTypeVersion>(head, 4u);
    set<EDocTypeReadVersion>(head, 2u);
    head.Render(*file->output);
    file->segment.WriteHead(*file->output, 8);
    file->room.SetSize(seek_room);
    file->room.Render(*file->output);

    auto &info = GetChild<KaxInfo>(file->segment);
    set<KaxTimecodeScale>(info, scale);
    UTFstring text;
    text.SetUTF8(program);
    set<KaxMuxingApp>(info, text);
    set<KaxWritingApp>(info, text);
    set<KaxDuration>(info, 0.0);
    GetChild<KaxDuration>(info).SetPrecision(EbmlFloat::FLOAT_64);
    info.Render(*file->output);
    file->seek.IndexThis(info, file->segment);

    auto &tracks = GetChild<KaxTracks>(file->segment);
    auto &track = GetChild<KaxTrackEntry>(tracks);
    track.SetGlobalTimecodeScale(scale);
    set<KaxTrackNumber>(track, 1u);
    set<KaxTrackUID>(track, 1u);
    set<KaxTrackType>(track, uint64_t(track_video));
    set<KaxTrackFlagLacing>(track, 0u);
    set<KaxCodecID>(track, std::string(codec));
    text.SetUTF8(name);
    set<KaxTrackName>(track, text);
    if (private_count > 0) GetChild<KaxCodecPrivate>(track).CopyBuffer(private_data, uint32_t(private_count));
    auto &video = GetChild<KaxTrackVideo>(track);
    set<KaxVideoPixelWidth>(video, uint64_t(width));
    set<KaxVideoPixelHeight>(video, uint64_t(height));
    tracks.Render(*file->output);
    file->seek.IndexThis(tracks, file->segment);
    file->track = &track;
    file->cues.SetGlobalTimecodeScale(scale);
    return file->output->failed ? nullptr : file.release();
  } catch (...) {
    return nullptr;
  }
}

int cmatroska_add(cmatroska_file *file, const uint8_t *data, size_t count, uint64_t time_ns, int is_key) {
  if (!file) return -1;
  try {
    if (file->cluster && (time_ns - file->cluster_begin >= cluster_ns || file->held >= cluster_bytes)) file->end_cluster();
    if (!file->cluster) {
      file->cluster = std::make_unique<KaxCluster>();
      file->cluster->SetParent(file->segment);
      file->cluster->InitTimecode(time_ns / scale, scale);
      file->cluster_begin = time_ns;
    }
    auto *buffer = new DataBuffer(const_cast<binary *>(data), uint32_t(count), nullptr, true);
    auto blob = std::make_unique<KaxBlockBlob>(BLOCK_BLOB_ALWAYS_SIMPLE);
    blob->SetParent(*file->cluster);
    blob->AddFrameAuto(*file->track, time_ns, *buffer, LACING_NONE);
    static_cast<KaxSimpleBlock &>(static_cast<KaxInternalBlock &>(*blob)).SetKeyframe(is_key != 0);
    file->cluster->AddBlockBlob(blob.get());
    if (is_key && file->blobs.empty()) file->cues.AddBlockBlob(*blob);
    file->blobs.push_back(std::move(blob));
    file->held += count;
    file->last = time_ns;
    return file->output->failed ? -1 : 0;
  } catch (...) {
    return -1;
  }
}

int cmatroska_close(cmatroska_file *given) {
  if (!given) return -1;
  std::unique_ptr<cmatroska_file> file(given);
  try {
    file->end_cluster();
    if (file->cues.ListSize() > 0) {
      file->cues.Render(*file->output);
      file->seek.IndexThis(file->cues, file->segment);
    }
    const uint64_t end = file->output->getFilePointer();
    auto &info = GetChild<KaxInfo>(file->segment);
    auto &duration = GetChild<KaxDuration>(info);
    duration.SetValue(double(file->last) / scale);
    file->output->setFilePointer(int64(duration.GetElementPosition()), seek_beginning);
    duration.Render(*file->output, true);
    file->room.ReplaceWith(file->seek, *file->output, true);
    if (file->segment.ForceSize(end - file->segment.GetElementPosition() - file->segment.HeadSize()))
      file->segment.OverwriteHead(*file->output);
    return file->output->failed ? -1 : 0;
  } catch (...) {
    return -1;
  }
}
