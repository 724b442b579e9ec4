using System.Globalization;
using System.Xml;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Restore;

/// <summary>
/// Reads the XML of thin_dump, of both generations, as a stream: nothing is kept but the element at hand. Strict, unlike the tools: an
/// element or attribute that is not known is refused, because ignoring it might lose what somebody meant.
/// </summary>
internal sealed class XmlPoolReader : IDisposable
{
    private const string Phase = "reading XML";
    private const int ReportEvery = 4096;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
    };

    private readonly XmlPoolStream _stream;
    private readonly XmlReader _xml;
    private readonly XmlPoolAttributes _attributes;
    private readonly IXmlPoolVisitor _visitor;
    private readonly ToolRun _run;
    private readonly ulong _totalBytes;
    private string? _section;
    private long _elements;

    private XmlPoolReader(Stream input, IXmlPoolVisitor visitor, ToolRun run)
    {
        _totalBytes = input.CanSeek ? (ulong)input.Length : 0;
        _stream = new XmlPoolStream(input);
        _xml = XmlReader.Create(_stream, Settings);
        _attributes = new XmlPoolAttributes(_xml);
        _visitor = visitor;
        _run = run;
    }

    private int Line => Math.Max(1, ((IXmlLineInfo)_xml).LineNumber);

    /// <summary>Reads a text from where it stands to its end.</summary>
    /// <exception cref="MetadataException">
    /// Invalid, with the line: not XML, not a pool's XML, or refused by the visitor. Io when the text cannot be read.
    /// </exception>
    public static void Read(Stream input, IXmlPoolVisitor visitor, ToolRun run)
    {
        using var reader = new XmlPoolReader(input, visitor, run);
        try
        {
            reader.ReadDocument();
        }
        catch (XmlPoolException e)
        {
            throw new MetadataException(MetadataError.Invalid, $"line {reader.Line}: {e.Message}", e);
        }
        catch (XmlException e)
        {
            throw new MetadataException(MetadataError.Invalid, Describe(e), e);
        }
        catch (IOException e)
        {
            throw new MetadataException(MetadataError.Io, $"the XML cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Leaves the text itself open.</summary>
    public void Dispose()
    {
        _xml.Dispose();
        _stream.Dispose();
    }

    /// <summary>The parser's sentence, its place first as in all other errors.</summary>
    private static string Describe(XmlException error)
    {
        var place = $" Line {error.LineNumber}, position {error.LinePosition}.";
        return $"line {Math.Max(1, error.LineNumber)}: {error.Message.Replace(place, "", StringComparison.Ordinal)}";
    }

    private void ReadDocument()
    {
        while (_xml.Read())
        {
            _stream.Mark();
            if (++_elements % ReportEvery == 0)
                _run.Report(Phase, Math.Min((ulong)_stream.ReadBytes, _totalBytes), _totalBytes);
            switch (_xml.NodeType)
            {
                case XmlNodeType.Element:
                    BeginElement();
                    break;
                case XmlNodeType.EndElement:
                    EndElement(_xml.Name);
                    break;
                case XmlNodeType.XmlDeclaration:
                    break;
                default:
                    throw new XmlPoolException($"{_xml.NodeType} is not part of a pool's XML");
            }
        }
    }

    private void BeginElement()
    {
        var name = _xml.Name;
        var isEmpty = _xml.IsEmptyElement;
        _attributes.Load();
        Require(name switch
        {
            "superblock" => _xml.Depth == 0,
            "device" or "def" => _xml.Depth == 1,
            "single_mapping" or "range_mapping" => _xml.Depth == 2 && _section != null,
            "ref" => _xml.Depth == 2 && _section == "device",
            _ => throw new XmlPoolException($"<{name}> is not an element of a pool's XML"),
        }, name);
        Visit(name);
        _attributes.RequireAllTaken();
        if (isEmpty)
            EndElement(name);
    }

    private static void Require(bool isInPlace, string name)
    {
        if (!isInPlace)
            throw new XmlPoolException($"<{name}> may not stand here");
    }

    private void Visit(string name)
    {
        switch (name)
        {
            case "superblock":
                _visitor.Superblock(ReadSuperblock());
                break;
            case "def":
                _section = name;
                _visitor.BeginDef(_attributes.TakeText("name"));
                break;
            case "device":
                _section = name;
                _visitor.BeginDevice(_attributes.Take32("dev_id"), new DeviceDetails(_attributes.Take("mapped_blocks"),
                    _attributes.Take("transaction"), _attributes.Take32("creation_time"), _attributes.Take32("snap_time")));
                break;
            case "single_mapping":
                _visitor.Map(_attributes.Take("origin_block"), _attributes.Take("data_block"), 1, _attributes.Take32("time"));
                break;
            case "range_mapping":
                _visitor.Map(_attributes.Take("origin_begin"), _attributes.Take("data_begin"), _attributes.Take("length"),
                    _attributes.Take32("time"));
                break;
            default:
                _visitor.Refer(_attributes.TakeText("name"));
                break;
        }
    }

    private void EndElement(string name)
    {
        if (name == "def")
            _visitor.EndDef();
        else if (name == "device")
            _visitor.EndDevice();
        if (name is "def" or "device")
            _section = null;
    }

    private XmlSuperblock ReadSuperblock()
    {
        _ = _attributes.TryTakeText("uuid"); // thin_dump leaves it empty, and thin_restore ignores it
        var flags = _attributes.TryTakeText("flags");
        var version = _attributes.TryTakeText("version");
        var snapshot = _attributes.TryTakeText("metadata_snap");
        return new XmlSuperblock(
            _attributes.Take32("time"),
            _attributes.Take("transaction"),
            flags == null ? 0 : ParseSmall("flags", flags),
            version == null ? SuperblockView.WrittenVersion : ParseSmall("version", version),
            _attributes.Take32("data_block_size"),
            _attributes.Take("nr_data_blocks"),
            HasMetadataSnapshot: snapshot is not (null or "" or "0"));
    }

    private static uint ParseSmall(string attribute, string value) =>
        uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new XmlPoolException($"{attribute}=\"{XmlPoolAttributes.Shorten(value)}\" is not a number of 32 bits");
}
