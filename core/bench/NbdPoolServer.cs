using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Core.Bench;

/// <summary>Serves one volume of a new pool over NBD until standard input ends, for fio: the whole data path, nothing left out.</summary>
internal static class NbdPoolServer
{
    public static int Run(string socket, string path, int mebibytes)
    {
        ThinPool.Format(path, new PoolFormatOptions { SizeBytes = (2L * mebibytes + 64) << 20, Force = true });
        using var pool = ThinPool.Open(path, new PoolOpenOptions { Log = Console.Error.WriteLine });
        var volume = pool.Create(new VolumeSpec { Name = "bench", SizeBytes = (long)mebibytes << 20 });
        using (var server = new NbdServer(socket, new OneVolume(pool, volume)))
        {
            server.Start();
            Console.WriteLine($"serving {mebibytes} MiB of a pool on {path}; ends with standard input");
            while (Console.In.Read() >= 0)
            {
            }
        }
        pool.Close();
        return 0;
    }

    private sealed class OneVolume(ThinPool pool, VolumeInfo volume) : INbdExports
    {
        private readonly NbdExport _export = new("", "a volume of a thin pool", volume.SizeBytes);

        public IReadOnlyCollection<NbdExport> List() => [_export];

        public NbdExport? Find(string name) => name.Length == 0 ? _export : null;

        public IBlockDevice? Open(string name) => name.Length == 0 ? pool.OpenDevice(volume.Id, readOnly: false) : null;
    }
}
