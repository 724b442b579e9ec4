using System.Runtime.InteropServices;
using CsiThin.Core.Pool;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// What may be read of volumes whose writes wait, fail, or are lost with a pool that was not closed. Every page of 4 KiB carries the number
/// of the write that made it (0 for zeroes). For each page there are the numbers that may be read now (more than one only while a write of
/// it waits or after one has failed) and those that may be read when all that was not flushed is lost.
/// </summary>
internal sealed class FullPoolModel
{
    public const int PageBytes = 4096;

    private readonly Dictionary<VolumeId, Page[]> _volumes = [];

    public void Create(VolumeId id, int pages, VolumeId? source = null)
    {
        _volumes[id] = source is { } origin
            ? [.. _volumes[origin].Select(page => new Page([.. page.Now], [.. page.Now]))]
            : [.. Enumerable.Range(0, pages).Select(_ => new Page([0], [0]))];
        Flushed();
    }

    public void Delete(VolumeId id)
    {
        _volumes.Remove(id);
        Flushed();
    }

    /// <summary>A write begins; until it ends, each of its pages is as it was or as the write has it.</summary>
    public void Begin(VolumeId id, int first, int pages, int number)
    {
        foreach (var page in _volumes[id].AsSpan(first, pages))
        {
            page.Now.Add(number);
            page.AfterLoss.Add(number);
        }
    }

    /// <summary>A write was acknowledged, as <paramref name="durable"/> if it was to be so.</summary>
    public void Acknowledge(VolumeId id, int first, int pages, int number, bool durable)
    {
        foreach (var page in _volumes[id].AsSpan(first, pages))
        {
            page.Now.Clear();
            if (durable)
                page.AfterLoss.Clear();
            page.Now.Add(number);
            page.AfterLoss.Add(number);
        }
    }

    /// <summary>All that was acknowledged is durable: what may be lost is what is in doubt anyway.</summary>
    public void Flushed()
    {
        foreach (var page in _volumes.Values.SelectMany(pages => pages))
        {
            page.AfterLoss.Clear();
            page.AfterLoss.AddRange(page.Now);
        }
    }

    public static byte[] Payload(int pages, int number)
    {
        var bytes = new byte[pages * PageBytes];
        MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(number);
        return bytes;
    }

    /// <summary>Compares everything; after a loss, what was found is what counts from then on.</summary>
    public void Verify(ThinPool pool, bool afterLoss)
    {
        Assert.Equal(_volumes.Keys.OrderBy(id => id.Number), pool.ListVolumes().Select(volume => volume.Id));
        foreach (var (id, pages) in _volumes)
        {
            using var device = pool.OpenDevice(id, readOnly: true);
            using var client = new BlockClient(device);
            var found = MemoryMarshal.Cast<byte, int>(client.Read(0, pages.Length * PageBytes).AsSpan());
            for (var i = 0; i < pages.Length; i++)
            {
                var page = found.Slice(i * PageBytes / 4, PageBytes / 4);
                var allowed = afterLoss ? pages[i].AfterLoss : pages[i].Now;
                Assert.False(page.ContainsAnyExcept(page[0]), $"page {i} of {id} is of two writes");
                Assert.True(allowed.Contains(page[0]), $"page {i} of {id} is of write {page[0]}, not of {string.Join(" or ", allowed)}");
                if (afterLoss)
                    pages[i] = new Page([page[0]], [page[0]]);
            }
        }
    }

    private sealed record Page(List<int> Now, List<int> AfterLoss);
}
