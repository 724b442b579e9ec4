using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>Writes a pool's devices and mappings as the XML that thin_dump (0.9) writes and thin_restore reads, to the byte.</summary>
public static class MetadataDump
{
    /// <summary>Dumps what a disk holds.</summary>
    /// <exception cref="MetadataException">Corrupt and others: what was written so far is not a whole dump.</exception>
    public static void Write(IDisk device, TextWriter output)
    {
        using var metadata = ThinMetadata.Open(device, new ThinMetadataOptions { ReadOnly = true });
        Write(metadata, output);
    }

    /// <summary>Dumps an open pool, with the changes of this transaction. To be called by the mutating thread.</summary>
    public static void Write(ThinMetadata metadata, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(output);
        // thin_dump leaves the uuid empty whatever the superblock has.
        output.Write(Format($"<superblock uuid=\"\" time=\"{metadata.Time}\" transaction=\"{metadata.TransactionId}\" "));
        output.Write(Format($"flags=\"{metadata.Flags}\" version=\"{metadata.Version}\" "));
        output.Write(Format($"data_block_size=\"{metadata.DataBlockSectors}\" nr_data_blocks=\"{metadata.DataBlocks}\">\n"));
        foreach (var thin in metadata.ListThins())
            WriteThin(metadata, thin, output);
        output.Write("</superblock>\n");
    }

    private static void WriteThin(ThinMetadata metadata, ThinDeviceInfo thin, TextWriter output)
    {
        output.Write(Format($"  <device dev_id=\"{thin.Id}\" mapped_blocks=\"{thin.MappedBlocks}\" transaction=\"{thin.TransactionId}\" "));
        output.Write(Format($"creation_time=\"{thin.CreationTime}\" snap_time=\"{thin.SnapshottedTime}\">\n"));
        var runs = new RunWriter(output);
        metadata.VisitMappings(thin.Id, runs.Add);
        runs.End();
        output.Write("  </device>\n");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Joins neighbouring mappings of one time.</summary>
    private sealed class RunWriter(TextWriter output)
    {
        private ulong _begin;
        private BlockTime _first;
        private ulong _length;

        public void Add(ulong key, BlockTime mapping)
        {
            if (_length > 0 && key == _begin + _length && mapping.Block == _first.Block + _length && mapping.Time == _first.Time)
            {
                _length++;
                return;
            }
            End();
            (_begin, _first, _length) = (key, mapping, 1);
        }

        public void End()
        {
            var (block, time) = _first;
            if (_length == 1)
                output.Write(Format($"    <single_mapping origin_block=\"{_begin}\" data_block=\"{block}\" time=\"{time}\"/>\n"));
            else if (_length > 1)
                output.Write(Format(
                    $"    <range_mapping origin_begin=\"{_begin}\" data_begin=\"{block}\" length=\"{_length}\" time=\"{time}\"/>\n"));
            _length = 0;
        }
    }
}
