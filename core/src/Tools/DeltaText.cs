using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>
/// The text of thin_delta 0.9, to the byte but for one number: of a metadata snapshot it says that the pool has 0 data blocks, because the
/// copy of the superblock has no space map; this says how many there are. Plain: neighbours of one kind are one element.
/// Verbose: those of one kind after each other are grouped, gaps or not, and each range says where its data are.
/// </summary>
internal sealed class DeltaText(TextWriter output, bool isVerbose)
{
    private DeltaSegment _pending;

    public void Begin(SuperblockView superblock, ThinId left, ThinId right)
    {
        var held = superblock.HeldRoot == 0 ? "" : $" metadata_snap=\"{superblock.HeldRoot}\"";
        Line($"<superblock uuid=\"\" time=\"{superblock.Time}\" transaction=\"{superblock.TransactionId}\" " +
            $"data_block_size=\"{superblock.DataBlockSectors}\" nr_data_blocks=\"{superblock.DataSpaceMap.Blocks}\"{held}>");
        Line($"  <diff left=\"{left}\" right=\"{right}\">");
    }

    public void Add(in DeltaSegment segment)
    {
        if (isVerbose)
            AddVerbose(segment);
        else if (_pending.Length > 0 && _pending.Kind == segment.Kind && _pending.Begin + _pending.Length == segment.Begin)
            _pending = _pending with { Length = _pending.Length + segment.Length };
        else
        {
            WritePending();
            _pending = segment;
        }
    }

    public void End()
    {
        if (!isVerbose)
            WritePending();
        else if (_pending.Length > 0)
            Line($"    </{Name(_pending.Kind)}>");
        Line("  </diff>");
        Line("</superblock>");
    }

    private void AddVerbose(in DeltaSegment segment)
    {
        if (_pending.Length == 0 || _pending.Kind != segment.Kind)
        {
            if (_pending.Length > 0)
                Line($"    </{Name(_pending.Kind)}>");
            Line($"    <{Name(segment.Kind)}>");
        }
        _pending = segment;
        var data = segment.Kind switch
        {
            DeltaKind.Different => $"left_data_begin=\"{segment.Left}\" right_data_begin=\"{segment.Right}\"",
            DeltaKind.RightOnly => $"data_begin=\"{segment.Right}\"",
            _ => $"data_begin=\"{segment.Left}\"",
        };
        Line($"      <range begin=\"{segment.Begin}\" {data} length=\"{segment.Length}\"/>");
    }

    private void WritePending()
    {
        if (_pending.Length > 0)
            Line($"    <{Name(_pending.Kind)} begin=\"{_pending.Begin}\" length=\"{_pending.Length}\"/>");
    }

    // Numbers without signs, groups or fractions look alike in every culture.
    private void Line(string text)
    {
        output.Write(text);
        output.Write('\n');
    }

    private static string Name(DeltaKind kind) => kind switch
    {
        DeltaKind.LeftOnly => "left_only",
        DeltaKind.RightOnly => "right_only",
        DeltaKind.Same => "same",
        _ => "different",
    };
}
