using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Dump;

/// <summary>
/// The text of a dump on its way to a writer, put together in one buffer without a string for each mapping, and with neighbouring
/// mappings of one time joined.
/// </summary>
internal abstract class DumpText(TextWriter output)
{
    /// <summary>More than the longest line.</summary>
    private const int MaxLine = 512;

    private readonly char[] _buffer = new char[64 << 10];
    private int _length;
    private ulong _begin;
    private BlockTime _first;
    private ulong _run;

    public static DumpText Create(DumpFormat format, TextWriter output) =>
        format == DumpFormat.Human ? new HumanDumpText(output) : new XmlDumpText(output);

    public abstract void Begin(SuperblockView superblock);

    public abstract void BeginDevice(ulong id, DeviceDetails details);

    /// <summary>A mapping; they come in order.</summary>
    public void Map(ulong block, ulong value)
    {
        var mapping = BlockTime.Unpack(value);
        if (_run > 0 && block == _begin + _run && mapping.Block == _first.Block + _run && mapping.Time == _first.Time)
        {
            _run++;
            return;
        }
        EndRun();
        (_begin, _first, _run) = (block, mapping, 1);
    }

    public void EndDevice()
    {
        EndRun();
        WriteDeviceEnd();
    }

    /// <summary>Writes the end and hands all to the writer.</summary>
    public void End()
    {
        WriteEnd();
        Hand();
        output.Flush();
    }

    protected abstract void WriteRun(ulong begin, BlockTime first, ulong length);

    protected abstract void WriteDeviceEnd();

    protected abstract void WriteEnd();

    protected DumpText Add(string text)
    {
        text.CopyTo(0, _buffer, Room(), text.Length);
        _length += text.Length;
        return this;
    }

    protected DumpText Add(ulong number)
    {
        _ = number.TryFormat(_buffer.AsSpan(Room()), out var written, default, null);
        _length += written;
        return this;
    }

    /// <summary>Where the next character goes.</summary>
    private int Room()
    {
        if (_buffer.Length - _length < MaxLine)
            Hand();
        return _length;
    }

    private void Hand()
    {
        output.Write(_buffer, 0, _length);
        _length = 0;
    }

    private void EndRun()
    {
        if (_run > 0)
            WriteRun(_begin, _first, _run);
        _run = 0;
    }

    private sealed class XmlDumpText(TextWriter output) : DumpText(output)
    {
        // thin_dump leaves the uuid empty whatever the superblock has.
        public override void Begin(SuperblockView superblock) =>
            Add("<superblock uuid=\"\" time=\"").Add(superblock.Time).Add("\" transaction=\"").Add(superblock.TransactionId)
                .Add("\" flags=\"").Add(superblock.Flags).Add("\" version=\"").Add(superblock.Version)
                .Add("\" data_block_size=\"").Add(superblock.DataBlockSectors)
                .Add("\" nr_data_blocks=\"").Add(superblock.DataSpaceMap.Blocks).Add("\">\n");

        public override void BeginDevice(ulong id, DeviceDetails details) =>
            Add("  <device dev_id=\"").Add(id).Add("\" mapped_blocks=\"").Add(details.MappedBlocks)
                .Add("\" transaction=\"").Add(details.TransactionId).Add("\" creation_time=\"").Add(details.CreationTime)
                .Add("\" snap_time=\"").Add(details.SnapshottedTime).Add("\">\n");

        protected override void WriteRun(ulong begin, BlockTime first, ulong length)
        {
            if (length == 1)
                Add("    <single_mapping origin_block=\"").Add(begin).Add("\" data_block=\"").Add(first.Block);
            else
                Add("    <range_mapping origin_begin=\"").Add(begin).Add("\" data_begin=\"").Add(first.Block)
                    .Add("\" length=\"").Add(length);
            Add("\" time=\"").Add(first.Time).Add("\"/>\n");
        }

        protected override void WriteDeviceEnd() => Add("  </device>\n");

        protected override void WriteEnd() => Add("</superblock>\n");
    }

    private sealed class HumanDumpText(TextWriter output) : DumpText(output)
    {
        public override void Begin(SuperblockView superblock) =>
            Add("begin superblock: \"\", ").Add(superblock.Time).Add(", ").Add(superblock.TransactionId).Add(", ").Add(superblock.Flags)
                .Add(", ").Add(superblock.Version).Add(", ").Add(superblock.DataBlockSectors)
                .Add(", ").Add(superblock.DataSpaceMap.Blocks).Add("\n");

        public override void BeginDevice(ulong id, DeviceDetails details) =>
            Add("device: ").Add(id).Add("\nmapped_blocks: ").Add(details.MappedBlocks)
                .Add("\ntransaction: ").Add(details.TransactionId).Add("\ncreation time: ").Add(details.CreationTime)
                .Add("\nsnap time: ").Add(details.SnapshottedTime).Add("\n");

        protected override void WriteRun(ulong begin, BlockTime first, ulong length)
        {
            if (length == 1)
                Add("    ").Add(begin).Add(" -> ").Add(first.Block);
            else
                Add("    (").Add(begin).Add("..").Add(begin + (length - 1)).Add(") -> (").Add(first.Block)
                    .Add("..").Add(first.Block + (length - 1)).Add(")");
            Add(", ").Add(first.Time).Add("\n");
        }

        protected override void WriteDeviceEnd() => Add("\n");

        protected override void WriteEnd() => Add("end superblock\n");
    }
}
