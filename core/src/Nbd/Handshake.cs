using System.Buffers.Binary;
using System.Globalization;
using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// The fixed newstyle handshake: greeting, client flags, options until one of them enters the transmission phase. Everything a client may
/// send is bounded: the number of options, the length of each, the time (kept by the channel).
/// </summary>
internal sealed class Handshake
{
    /// <summary>
    /// No option that a client has reason to send is longer; one that is gets an answer, and the connection ends: its data is not read.
    /// </summary>
    public const int MaxOptionBytes = 64 << 10;

    /// <summary>Options of one handshake. Clients send a handful; one that asks about many exports a few hundred.</summary>
    public const int MaxOptions = 1000;

    private readonly HandshakeChannel _channel;
    private readonly OptionReplies _replies;
    private readonly HandshakeState _state = new();
    private readonly ExportOptions _exportOptions;
    private readonly MetaContextOptions _metaContextOptions;

    /// <summary>Prepares a handshake about <paramref name="exports"/>.</summary>
    public Handshake(HandshakeChannel channel, INbdExports exports, NbdLog? log)
    {
        _channel = channel;
        _replies = new OptionReplies(channel);
        _exportOptions = new ExportOptions(channel, _replies, _state, exports, log);
        _metaContextOptions = new MetaContextOptions(_replies, _state, exports);
    }

    /// <summary>
    /// Runs it. Returns the export the client chose, its device owned by the caller, or null when the client ended the session in order.
    /// Throws <see cref="NbdDisconnect"/> otherwise.
    /// </summary>
    public ChosenExport? Run()
    {
        try
        {
            Greet();
            for (var i = 0; i < MaxOptions; i++)
            {
                if (!ServeOption())
                {
                    _channel.Flush();
                    return _state.TakeChosen();
                }
            }
            _channel.Flush();
            throw new NbdDisconnect(NbdLogLevel.Warning, "the client sent more options than any handshake needs");
        }
        finally
        {
            _state.TakeChosen()?.Device.Dispose();
        }
    }

    private void Greet()
    {
        Span<byte> greeting = stackalloc byte[18];
        NbdWire.EncodeGreeting(greeting, NbdHandshakeFlags.FixedNewstyle | NbdHandshakeFlags.NoZeroes);
        _channel.Write(greeting);
        var flags = BinaryPrimitives.ReadUInt32BigEndian(_channel.Read(NbdProtocol.ClientFlagsBytes));
        if ((flags & ~(uint)(NbdHandshakeFlags.FixedNewstyle | NbdHandshakeFlags.NoZeroes)) != 0)
            throw new NbdDisconnect(NbdLogLevel.Warning, "the client set handshake flags that were not offered");
        _state.IsFixedNewstyle = (flags & (uint)NbdHandshakeFlags.FixedNewstyle) != 0;
        _state.NoZeroes = (flags & (uint)NbdHandshakeFlags.NoZeroes) != 0;
    }

    /// <summary>Reads and answers one option. False when it was the last.</summary>
    private bool ServeOption()
    {
        if (!NbdWire.TryDecodeOption(_channel.Read(NbdProtocol.OptionHeaderBytes), out var header))
            throw new NbdDisconnect(NbdLogLevel.Warning, "an option with the wrong magic number came");
        if (!_state.IsFixedNewstyle && header.Option != NbdOption.ExportName)
            throw new NbdDisconnect(NbdLogLevel.Warning, "a client that does not speak fixed newstyle sent more than an export name");
        if (header.LengthBytes > MaxOptionBytes)
            RefuseLongOption(header);
        var data = _channel.Read((int)header.LengthBytes);
        switch (header.Option)
        {
            case NbdOption.ExportName:
                _exportOptions.ServeExportName(data);
                return false;
            case NbdOption.Info or NbdOption.Go:
                return !_exportOptions.ServeInfoOrGo(header.Option, data);
            case NbdOption.Abort:
                _replies.Ack(NbdOption.Abort);
                return false;
            default:
                ServeSetting(header.Option, data);
                return true;
        }
    }

    /// <summary>The options that leave the client where it was: haggling.</summary>
    private void ServeSetting(NbdOption option, ReadOnlySpan<byte> data)
    {
        switch (option)
        {
            case NbdOption.List:
                _exportOptions.ServeList(data);
                break;
            case NbdOption.StructuredReply when !data.IsEmpty:
                _replies.Refuse(option, NbdOptionReply.ErrorInvalid, "this option takes no data");
                break;
            case NbdOption.StructuredReply:
                _state.StructuredReplies = true;
                _replies.Ack(option);
                break;
            case NbdOption.ListMetaContext or NbdOption.SetMetaContext:
                _metaContextOptions.Serve(option, data);
                break;
            default:
                _replies.Refuse(option, NbdOptionReply.ErrorUnsupported, "the server does not know this option");
                break;
        }
    }

    private void RefuseLongOption(in NbdOptionHeader header)
    {
        if (_state.IsFixedNewstyle && header.Option != NbdOption.ExportName)
        {
            var message = string.Create(
                CultureInfo.InvariantCulture, $"an option of {header.LengthBytes} bytes is more than the {MaxOptionBytes} allowed");
            _replies.Refuse(header.Option, NbdOptionReply.ErrorTooBig, message);
            _channel.Flush();
        }
        throw new NbdDisconnect(NbdLogLevel.Warning, $"an option of {header.LengthBytes} bytes was refused");
    }
}

/// <summary>What the options have settled so far.</summary>
internal sealed class HandshakeState
{
    private ChosenExport? _chosen;

    /// <summary>The client speaks fixed newstyle: options get replies.</summary>
    public bool IsFixedNewstyle { get; set; }

    /// <summary>The reply to an export name ends without padding.</summary>
    public bool NoZeroes { get; set; }

    /// <summary>Negotiated.</summary>
    public bool StructuredReplies { get; set; }

    /// <summary>The export for which base:allocation was selected; null when it was not.</summary>
    public string? AllocationSelectedFor { get; set; }

    /// <summary>Hands over an opened device: the session goes by what is settled at this moment.</summary>
    public void Choose(string name, IBlockDevice device) =>
        _chosen = new ChosenExport(
            name, device, new NbdSession(StructuredReplies, StructuredReplies && AllocationSelectedFor == name, device.IsReadOnly));

    /// <summary>Parts with the chosen export.</summary>
    public ChosenExport? TakeChosen()
    {
        var chosen = _chosen;
        _chosen = null;
        return chosen;
    }
}

/// <summary>The export a connection serves. Whoever has it disposes the device.</summary>
internal sealed record ChosenExport(string Name, IBlockDevice Device, NbdSession Session);
