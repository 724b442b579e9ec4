using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// One client of a volume with several requests in flight. It picks them by chance, and tells the model what it asks for and what it is
/// answered.
/// </summary>
internal sealed class CutClient(CutWorkload world, string volume, IBlockDevice device) : IDisposable
{
    private const int InFlightMax = 4;
    private const int BlockSectors = (int)(CutScene.BlockBytes / Payload.SectorBytes);

    private readonly IBlockQueue _queue = device.OpenQueue();
    private readonly BlockRequest[] _finished = new BlockRequest[InFlightMax];
    private readonly List<CutRequest> _requests = [];

    public string Volume => volume;

    public int InFlight => _requests.Count;

    /// <summary>One of its calls is on the stack: it must not be called again before that returns.</summary>
    public bool IsBusy { get; private set; }

    public bool Overlaps(int first, int count) =>
        _requests.Exists(r => r.Count > 0 && first < r.First + r.Count && r.First < first + count);

    /// <summary>A request as chance will have it, unless it would overlap another or there are enough.</summary>
    public void Submit()
    {
        if (InFlight == InFlightMax)
            return;
        var request = Choose();
        if (request.Count > 0 && world.Overlaps(volume, request.First, request.Count))
            return;
        Begin(request);
        _requests.Add(request);
        IsBusy = true;
        _queue.Submit(request);
        IsBusy = false;
    }

    /// <summary>Hands over what was submitted, and takes what is finished.</summary>
    public void Kick()
    {
        IsBusy = true;
        _queue.Kick();
        IsBusy = false;
        Reap();
    }

    public void Reap()
    {
        IsBusy = true;
        var count = _queue.Reap(_finished);
        IsBusy = false;
        for (var i = 0; i < count; i++)
        {
            var request = (CutRequest)_finished[i];
            _requests.Remove(request);
            End(request);
            request.Dispose();
        }
    }

    /// <summary>Nothing is in flight any more.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        device.Dispose();
    }

    private CutRequest Choose()
    {
        var random = world.Random;
        var choice = device.IsReadOnly ? 50 : random.Next(100);
        var operation = choice switch
        {
            < 50 => BlockOperation.Write,
            < 60 => BlockOperation.Read,
            < 70 => BlockOperation.WriteZeroes,
            < 85 => BlockOperation.Discard,
            _ => BlockOperation.Flush,
        };
        if (operation == BlockOperation.Flush || (operation == BlockOperation.Discard && world.IsUnderWay(volume)))
            return new CutRequest { Operation = BlockOperation.Flush, Number = world.NextNumber() };
        var sectors = (int)(device.LengthBytes / Payload.SectorBytes);
        var first = random.Next(sectors);
        // A whole large volume now and then only, so that there is something left of it to delete.
        var most = operation is BlockOperation.Discard or BlockOperation.WriteZeroes && random.Next(8) == 0 ? sectors : 3 * BlockSectors;
        var count = random.Next(3) switch { 0 => random.Next(1, 9), 1 => random.Next(1, BlockSectors), _ => random.Next(1, most + 1) };
        if (random.Next(3) == 0)
            first -= first % BlockSectors;
        var isDurable = random.Next(6) == 0 && operation != BlockOperation.Read;
        var isFill = operation == BlockOperation.WriteZeroes && random.Next(2) == 0 && count < 3 * BlockSectors;
        return new CutRequest
        {
            Operation = operation,
            Number = world.NextNumber(),
            First = first,
            Count = Math.Min(count, sectors - first),
            Sectors = sectors,
            Flags = (isDurable ? BlockFlags.ForceUnitAccess : 0) | (isFill ? BlockFlags.NoHole : 0),
        };
    }

    private void Begin(CutRequest request)
    {
        request.OffsetBytes = (long)request.First * Payload.SectorBytes;
        request.LengthBytes = (long)request.Count * Payload.SectorBytes;
        world.Count($"{request.Operation}{(request.Flags == 0 ? "" : " " + request.Flags)}");
        if (request.Operation is BlockOperation.Read or BlockOperation.Write)
            request.GiveBuffer();
        if (request.Operation == BlockOperation.Write)
            Payload.Fill(request.Bytes, request.Number, CutVolume.NumberOf(volume), request.First);
        var (first, count, number) = (request.ChangedFirst, request.ChangedCount, request.Number);
        if (request.Operation == BlockOperation.Flush)
            world.Note(model => model.BeginSync(number));
        else if (count > 0)
            world.Note(model => model.BeginWrite(volume, first, count, number, isZero: request.Operation != BlockOperation.Write));
    }

    private void End(CutRequest request)
    {
        var (first, count, number) = (request.ChangedFirst, request.ChangedCount, request.Number);
        if (request.Error == BlockError.NoSpace && request.Operation is BlockOperation.Write or BlockOperation.WriteZeroes)
            world.Count("answered NoSpace");
        else if (request.Error != BlockError.None)
            world.Complain($"{request.Operation} {number} of '{volume}' was answered {request.Error}.");
        else if (request.Operation == BlockOperation.Flush)
            world.Note(model => model.EndSync(number));
        else if (request.Operation == BlockOperation.Read)
            world.Compare(volume, request.First, request.Bytes);
        else if ((request.Flags & BlockFlags.ForceUnitAccess) != 0)
            world.Note(model => model.EndDurableWrite(volume, first, count, number));
        else
            world.Note(model => model.EndWrite(number));
    }
}
